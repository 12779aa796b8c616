//! What a message came in: its bytes, and where they came from.

use std::fmt;
use std::net::IpAddr;

use bytes::Bytes;

/// What a message came in: its body as it came, the content type, and the address of the sender.
///
/// Bytes alone become one with [`From`].
///
/// ```
/// use athm_core::messages::Envelope;
///
/// let envelope = Envelope::new(b"status=completed".to_vec())
///     .content_type("application/x-www-form-urlencoded")
///     .remote_address("192.0.2.7".parse()?);
/// assert_eq!(envelope.size(), 16);
/// # Ok::<(), std::net::AddrParseError>(())
/// ```
#[derive(Clone, Default)]
#[must_use = "an envelope does nothing by itself"]
pub struct Envelope {
    pub(crate) body: Bytes,
    pub(crate) size: Option<u64>,
    pub(crate) content_type: Option<String>,
    pub(crate) remote_address: Option<IpAddr>,
}

impl Envelope {
    /// The body, as it came.
    pub fn new(body: impl Into<Bytes>) -> Self {
        Self { body: body.into(), size: None, content_type: None, remote_address: None }
    }

    /// The content type that the sender gave.
    pub fn content_type(mut self, content_type: impl Into<String>) -> Self {
        self.content_type = Some(content_type.into());
        self
    }

    /// The address of the connection's other end.
    pub fn remote_address(mut self, address: IpAddr) -> Self {
        self.remote_address = Some(address);
        self
    }

    /// The size that the sender announced, in bytes, of a body that wasn't read.
    pub fn announced(mut self, size: u64) -> Self {
        self.size = Some(size);
        self
    }

    /// The size of the body, in bytes: as it came, or else as it was announced.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.size.unwrap_or(self.body.len() as u64)
    }
}

impl From<Vec<u8>> for Envelope {
    fn from(body: Vec<u8>) -> Self {
        Self::new(body)
    }
}

/// Without the body: it may hold the customer's name, phone and e-mail address.
impl fmt::Debug for Envelope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { content_type, remote_address, .. } = self;
        f.debug_struct("Envelope")
            .field("size", &self.size())
            .field("content_type", content_type)
            .field("remote_address", remote_address)
            .finish_non_exhaustive()
    }
}
