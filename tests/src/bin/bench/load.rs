//! Callbacks over several connections. Each sends the next one as soon as the last is answered.
//!
//! The client does as little as it can, so that it takes little of the machine from those that it measures.

use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use futures_util::future::try_join_all;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// What was sent and answered.
#[derive(Debug)]
pub(crate) struct Load {
    pub(crate) answered: usize,
    pub(crate) taken: Duration,
    pub(crate) per_second: f64,
    pub(crate) p50: Duration,
    pub(crate) p99: Duration,
    pub(crate) longest: Duration,
}

/// When it ends.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Until {
    Time(Duration),
    Count(usize),
}

/// What is sent.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Body {
    pub(crate) items: usize,
    /// Whether it is about a payment that the provider knows by its ecommerceId.
    pub(crate) verified: bool,
}

/// Sends to these addresses in turn.
pub(crate) async fn run(addresses: &[SocketAddr], connections: usize, body: Body, until: Until) -> io::Result<Load> {
    let (start, sent) = (Instant::now(), AtomicUsize::new(0));
    let requests = Requests { items: described(body.items), verified: body.verified, sent: &sent, start, until };
    let clients = addresses.iter().cycle().take(connections).map(|address| client(*address, &requests));
    let mut latencies: Vec<Duration> = try_join_all(clients).await?.into_iter().flatten().collect();
    let taken = start.elapsed();
    latencies.sort_unstable();
    let at = |part: usize| latencies.get(latencies.len() * part / 100).copied().unwrap_or_default();
    let (answered, longest) = (latencies.len(), latencies.last().copied().unwrap_or_default());
    let per_second = answered as f64 / taken.as_secs_f64();
    Ok(Load { answered, taken, per_second, p50: at(50), p99: at(99), longest })
}

/// Makes requests until it is time to end.
struct Requests<'a> {
    items: String,
    verified: bool,
    sent: &'a AtomicUsize,
    start: Instant,
    until: Until,
}

async fn client(address: SocketAddr, requests: &Requests<'_>) -> io::Result<Vec<Duration>> {
    let mut stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    let mut latencies = Vec::new();
    let mut answer = vec![0; 4096];
    while let Some(request) = requests.next() {
        let sent = Instant::now();
        stream.write_all(request.as_bytes()).await?;
        read_answer(&mut stream, &mut answer).await?;
        latencies.push(sent.elapsed());
    }
    Ok(latencies)
}

impl Requests<'_> {
    fn next(&self) -> Option<String> {
        let n = self.sent.fetch_add(1, Ordering::Relaxed);
        let goes_on = match self.until {
            Until::Time(time) => self.start.elapsed() < time,
            Until::Count(count) => n < count,
        };
        goes_on.then(|| request(&self.name(n), n, &self.items))
    }
}

impl Requests<'_> {
    /// The payment's own name.
    fn name(&self, n: usize) -> String {
        if self.verified {
            return format!(r#""ecommerceId":"{}""#, uuid::Uuid::now_v7());
        }
        format!(r#""referenceNumber":"bench-{n}""#)
    }
}

fn described(items: usize) -> String {
    let item = |n: usize| {
        format!(
            r#"{{"name":"Coffee {n}","description":"Medium roast","quantity":"1","price":"14.50","tax":"1.67","metadata":"c-{n}"}}"#
        )
    };
    (0..items).map(item).collect::<Vec<_>>().join(",")
}

fn request(name: &str, n: usize, items: &str) -> String {
    let body = format!(
        r#"{{"transactionType":"ECOMMERCE","status":"COMPLETED",{name},"total":"32.34","subTotal":"29.00","tax":"3.34","fee":"0.85","netAmount":"31.49","metadata1":"order-{n}","metadata2":"web","items":[{items}]}}"#
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
