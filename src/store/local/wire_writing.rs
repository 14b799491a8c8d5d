//! How many bodies may come for one place at once.
//!
//! Whoever holds a presigned URL may use it any number of times while it lives, and each body takes
//! disk and hands until it has come: a few at once are a client that tries again, more are not.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Arc, Mutex, PoisonError};

use s3s::{S3ErrorCode, S3Result};

use super::wire_errors::fail;
use crate::store::ObjectKey;

/// Most bodies at once for one key, or one part of one upload.
const MOST: usize = 4;

/// A key, and for a part the upload and its number.
type Place = (String, Option<(String, i64)>);

/// What is being written.
#[derive(Clone, Debug, Default)]
pub struct Writing(Arc<Mutex<HashMap<Place, usize>>>);

/// A body that is coming in.
#[derive(Debug)]
pub struct Turn {
    writing: Writing,
    place: Place,
}

impl Writing {
    /// A turn to write there; refused while too many do.
    pub fn turn(&self, key: &ObjectKey, part: Option<(&str, i64)>) -> S3Result<Turn> {
        let part = part.map(|(upload, number)| (upload.to_owned(), number));
        let place = (key.as_str().to_owned(), part);
        let mut coming = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let count = coming.entry(place.clone()).or_default();
        if *count >= MOST {
            return Err(fail(S3ErrorCode::SlowDown, "Please reduce your request rate."));
        }
        *count += 1;
        drop(coming);
        Ok(Turn { writing: self.clone(), place })
    }

    /// How many bodies are coming.
    #[cfg(test)]
    pub fn coming(&self) -> usize {
        self.0.lock().unwrap().values().sum()
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let mut coming = self.writing.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Entry::Occupied(mut count) = coming.entry(self.place.clone()) {
            *count.get_mut() -= 1;
            if *count.get() == 0 {
                count.remove();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_few_bodies_come_to_one_place_at_once_and_each_leaves_its_turn() {
        let (writing, key) = (Writing::default(), ObjectKey::new("a/b").unwrap());
        let turns: Vec<_> = (0..MOST).map(|_| writing.turn(&key, None).unwrap()).collect();
        assert!(writing.turn(&key, None).is_err());
        for number in 1..9 {
            drop(writing.turn(&key, Some(("u", number))).unwrap());
        }
        drop(turns);
        assert!(writing.turn(&key, None).is_ok());
        assert!(writing.0.lock().unwrap().is_empty());
    }
}
