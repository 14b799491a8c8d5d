//! `strongroom render`: draws one picture for the server that started it.

use super::Done;
use crate::rendering::worker;

pub fn run() -> Done {
    Ok(worker::run()?)
}
