//! What receivers did: a line each, which no kill takes back.

use std::collections::HashMap;
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use athm_actix::{Delivery, Signal};

#[derive(Debug, Clone)]
pub(crate) struct Effects {
    file: PathBuf,
}

/// One delivery's effect.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Effect {
    pub(crate) receiver: String,
    pub(crate) signal: String,
    pub(crate) cents: i64,
}

/// What was done for each payment, by idempotency key.
pub(crate) type Done = HashMap<String, HashMap<String, Effect>>;

impl Effects {
    pub(crate) fn in_folder(folder: &Path) -> Self {
        Self { file: folder.join("effects") }
    }

    /// One write of one line, which the system keeps whatever becomes of the process.
    pub(crate) fn note(
        &self,
        receiver: &str,
        signal: Signal,
        payment: &str,
        cents: i64,
        delivery: Delivery,
    ) -> io::Result<()> {
        let mut file = OpenOptions::new().create(true).append(true).open(&self.file)?;
        file.write_all(format!("{receiver} {signal} {payment} {cents} {}\n", delivery.idempotency_key()).as_bytes())
    }

    pub(crate) fn done(&self) -> io::Result<Done> {
        let mut done = Done::new();
        let text = match fs::read_to_string(&self.file) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
            text => text?,
        };
        for line in text.lines() {
            if let [receiver, signal, payment, cents, key] = line.split(' ').collect::<Vec<_>>()[..] {
                let cents = cents.parse().unwrap_or_default();
                let effect = Effect { receiver: receiver.to_owned(), signal: signal.to_owned(), cents };
                done.entry(payment.to_owned()).or_default().insert(key.to_owned(), effect);
            }
        }
        Ok(done)
    }
}
