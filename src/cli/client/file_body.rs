//! A piece of a file as the body of a request: read as it is sent, never held whole.

use std::io::SeekFrom;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use futures::Stream as _;
use http_body::{Frame, SizeHint};
use tokio::fs::File;
use tokio::io::{AsyncReadExt as _, AsyncSeekExt as _, Take};
use tokio_util::io::ReaderStream;

use super::Meter;

/// How much is read at once.
const PIECE: usize = 256 * 1024;

/// Bytes of a file from an offset on, exactly so many.
pub struct FileBody {
    stream: ReaderStream<Take<File>>,
    left: u64,
    meter: Meter,
    sent: Arc<AtomicU64>,
}

impl FileBody {
    /// Opens the file. What goes out is counted on the meter; the count takes it back from there
    /// unless it is told that all has arrived.
    pub async fn open(
        path: &Path,
        offset: u64,
        size: u64,
        meter: &Meter,
    ) -> std::io::Result<(Self, Count)> {
        let mut file = File::open(path).await?;
        file.set_max_buf_size(PIECE);
        file.seek(SeekFrom::Start(offset)).await?;
        let stream = ReaderStream::with_capacity(file.take(size), PIECE);
        let (meter, sent) = (meter.clone(), Arc::<AtomicU64>::default());
        let count = Count { meter: meter.clone(), sent: Arc::clone(&sent), done: false };
        Ok((Self { stream, left: size, meter, sent }, count))
    }
}

/// What one try has put on the meter.
pub struct Count {
    meter: Meter,
    sent: Arc<AtomicU64>,
    done: bool,
}

impl Count {
    /// It arrived: what was counted stays.
    pub fn done(mut self) {
        self.done = true;
    }
}

impl Drop for Count {
    fn drop(&mut self) {
        if !self.done {
            self.meter.take_back(self.sent.load(Ordering::Relaxed));
        }
    }
}

impl http_body::Body for FileBody {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        if self.left == 0 {
            return Poll::Ready(None);
        }
        let piece = match ready!(Pin::new(&mut self.stream).poll_next(cx)) {
            Some(Ok(piece)) => piece,
            Some(Err(e)) => return Poll::Ready(Some(Err(e))),
            None => {
                let short = std::io::Error::other("the file has become shorter");
                return Poll::Ready(Some(Err(short)));
            }
        };
        let size = piece.len() as u64;
        self.left = self.left.saturating_sub(size);
        self.meter.add(size);
        self.sent.fetch_add(size, Ordering::Relaxed);
        Poll::Ready(Some(Ok(Frame::data(piece))))
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left)
    }
}
