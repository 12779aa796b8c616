//! Callbacks over several connections. Each sends the next one as soon as the last is answered.
//!
//! The client does as little as it can, so that it takes little of the machine from those that it measures.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use futures_util::future::try_join_all;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// What one turn came to.
#[derive(Debug)]
pub(crate) struct Load {
    pub(crate) answered: usize,
    pub(crate) per_second: f64,
    pub(crate) p50: Duration,
    pub(crate) p99: Duration,
}

pub(crate) async fn run(address: SocketAddr, connections: usize, time: Duration) -> io::Result<Load> {
    let next = Arc::new(AtomicU64::new(1));
    let (start, until) = (Instant::now(), Instant::now() + time);
    let clients = (0..connections).map(|_| client(address, Arc::clone(&next), until));
    let mut latencies: Vec<Duration> = try_join_all(clients).await?.into_iter().flatten().collect();
    let taken = start.elapsed();
    latencies.sort_unstable();
    let at = |part: usize| latencies.get(latencies.len() * part / 100).copied().unwrap_or_default();
    let answered = latencies.len();
    Ok(Load { answered, per_second: answered as f64 / taken.as_secs_f64(), p50: at(50), p99: at(99) })
}

async fn client(address: SocketAddr, next: Arc<AtomicU64>, until: Instant) -> io::Result<Vec<Duration>> {
    let mut stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    let mut latencies = Vec::new();
    let mut answer = vec![0; 4096];
    while Instant::now() < until {
        let request = request(next.fetch_add(1, Ordering::Relaxed));
        let sent = Instant::now();
        stream.write_all(request.as_bytes()).await?;
        read_answer(&mut stream, &mut answer).await?;
        latencies.push(sent.elapsed());
    }
    Ok(latencies)
}

fn request(n: u64) -> String {
    let body = format!(
        r#"{{"transactionType":"ECOMMERCE","status":"COMPLETED","referenceNumber":"bench-{n}","total":"32.34","subTotal":"29.00","tax":"3.34","fee":"0.85","netAmount":"31.49","metadata1":"order-{n}","metadata2":"web","items":[{{"name":"Coffee","description":"Medium roast","quantity":"2","price":"14.50","tax":"1.67","metadata":"c-12"}},{{"name":"Mug","description":"Blue","quantity":"1","price":"3.34","tax":"0.00","metadata":"m-1"}}]}}"#
    );
    format!(
        "POST /athm/callback HTTP/1.1\r\nhost: bench\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
}

/// One answer, which is short: a head, and a body as long as the head says. Anything but 201 ends the turn.
async fn read_answer(stream: &mut TcpStream, buffer: &mut [u8]) -> io::Result<()> {
    let mut filled = 0;
    loop {
        let read = stream.read(&mut buffer[filled..]).await?;
        filled += read;
        let text = String::from_utf8_lossy(&buffer[..filled]);
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length =
                head.lines().find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length: ")?.parse().ok());
            if body.len() >= length.unwrap_or(0) {
                let is_created = head.starts_with("HTTP/1.1 201");
                return if is_created { Ok(()) } else { Err(io::Error::other(text.into_owned())) };
            }
        }
        if read == 0 {
            return Err(io::Error::other("the connection was closed"));
        }
    }
}
