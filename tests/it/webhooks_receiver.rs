//! A receiver of webhooks: a real HTTP server that keeps what comes and answers as it is told.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::response::Response;
use http::{HeaderMap, Method};
use serde_json::Value;
use tokio::net::TcpListener;

/// What came.
#[derive(Clone, Debug)]
pub struct Got {
    pub method: Method,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

impl Got {
    pub fn header(&self, name: &str) -> &str {
        self.headers[name].to_str().unwrap()
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }
}

/// How a message is answered.
#[derive(Clone, Copy, Debug)]
pub enum Reply {
    Status(u16),
    /// A redirect to another path of the receiver.
    Redirect,
    /// 200 and a body without end.
    Huge,
    /// 200 after so long.
    Slow(Duration),
}

#[derive(Clone, Default)]
struct Shared {
    got: Arc<Mutex<Vec<Got>>>,
    replies: Arc<Mutex<VecDeque<Reply>>>,
}

pub struct Receiver {
    pub url: String,
    shared: Shared,
    task: tokio::task::JoinHandle<()>,
}

impl Receiver {
    /// One that answers 200.
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/hooks", listener.local_addr().unwrap());
        let shared = Shared::default();
        let router = Router::new().fallback(take).with_state(shared.clone());
        let task = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { url, shared, task }
    }

    /// What the next messages are answered with; 200 after those.
    pub fn answers(&self, replies: &[Reply]) {
        self.shared.replies.lock().unwrap().extend(replies);
    }

    /// From now on it answers 200, whatever it was told before.
    pub fn forgets(&self) {
        self.shared.replies.lock().unwrap().clear();
    }

    /// What came, in order.
    pub fn got(&self) -> Vec<Got> {
        self.shared.got.lock().unwrap().clone()
    }

    /// The names of the events that came, in alphabetical order.
    pub fn events(&self) -> Vec<String> {
        let mut events: Vec<_> =
            self.got().iter().map(|got| got.json()["type"].as_str().unwrap().to_owned()).collect();
        events.sort();
        events
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn take(
    State(shared): State<Shared>,
    method: Method,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    shared.got.lock().unwrap().push(Got { method, headers, body: body.to_vec() });
    let reply = shared.replies.lock().unwrap().pop_front().unwrap_or(Reply::Status(200));
    let answer = Response::builder();
    match reply {
        Reply::Status(status) => answer.status(status).body(Body::from("{}")).unwrap(),
        Reply::Redirect => {
            answer.status(307).header("location", "/elsewhere").body(Body::empty()).unwrap()
        }
        Reply::Huge => {
            let piece = Bytes::from(vec![b'x'; 64 << 10]);
            let endless = futures::stream::repeat_with(move || Ok::<_, String>(piece.clone()));
            answer.body(Body::from_stream(endless)).unwrap()
        }
        Reply::Slow(wait) => {
            tokio::time::sleep(wait).await;
            answer.body(Body::empty()).unwrap()
        }
    }
}
