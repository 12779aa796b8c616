//! What receivers did: a line each, which no kill takes back.

use std::collections::{HashMap, HashSet};
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use athm_actix::Delivery;

/// The receivers whose effects are looked for.
pub(crate) const RECEIVERS: [&str; 2] = ["steady", "shaky"];

#[derive(Debug, Clone)]
pub(crate) struct Effects {
    file: PathBuf,
}

/// How often each receiver ran for each payment, by idempotency key.
pub(crate) type Runs = HashMap<(String, String), HashMap<String, u32>>;

impl Effects {
    pub(crate) fn in_folder(folder: &Path) -> Self {
        Self { file: folder.join("effects") }
    }

    /// One write of one line, which the system keeps whatever becomes of the process.
    pub(crate) fn note(&self, receiver: &str, payment: &str, delivery: Delivery) -> io::Result<()> {
        let mut file = OpenOptions::new().create(true).append(true).open(&self.file)?;
        file.write_all(format!("{receiver} {payment} {}\n", delivery.idempotency_key()).as_bytes())
    }

    pub(crate) fn runs(&self) -> io::Result<Runs> {
        let mut runs = Runs::new();
        for line in fs::read_to_string(&self.file)?.lines() {
            if let [receiver, payment, key] = line.split(' ').collect::<Vec<_>>()[..] {
                let of = runs.entry((receiver.to_owned(), payment.to_owned())).or_default();
                *of.entry(key.to_owned()).or_default() += 1;
            }
        }
        Ok(runs)
    }

    /// How many effects of these payments aren't there.
    pub(crate) fn missing(&self, payments: &HashSet<String>) -> io::Result<usize> {
        let runs = self.runs()?;
        let wanted =
            payments.iter().flat_map(|payment| RECEIVERS.map(|receiver| (receiver.to_owned(), payment.clone())));
        Ok(wanted.filter(|effect| !runs.contains_key(effect)).count())
    }
}
