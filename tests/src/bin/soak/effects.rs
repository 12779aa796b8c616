//! What receivers did, which no kill takes back: a line each in a file, or a row each in athm's own database.

use std::collections::{HashMap, HashSet};
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use athm_actix::{BoxError, Delivery};
use athm_tests::RunDatabase;

use crate::own_rows::OwnRows;

/// The receivers whose effects are looked for.
pub(crate) const RECEIVERS: [&str; 4] = ["steady", "shaky", "waits", "limited"];

/// Where a receiver has its effect.
#[derive(Debug, Clone)]
pub(crate) enum Effects {
    /// A file: a receiver that runs twice has its effect twice.
    File(PathBuf),
    /// A table without a unique key in athm's database. Its rows commit with the deliveries.
    Rows(OwnRows),
}

/// How often each receiver ran for each payment, by idempotency key.
pub(crate) type Runs = HashMap<(String, String), HashMap<String, u32>>;

impl Effects {
    pub(crate) fn in_folder(folder: &Path) -> Self {
        Self::File(folder.join("effects"))
    }

    pub(crate) async fn note(&self, receiver: &str, payment: &str, delivery: Delivery) -> Result<(), BoxError> {
        match self {
            // One write of one line, which the system keeps whatever becomes of the process.
            Self::File(path) => {
                let mut file = OpenOptions::new().create(true).append(true).open(path)?;
                Ok(file.write_all(format!("{receiver} {payment} {}\n", delivery.idempotency_key()).as_bytes())?)
            }
            Self::Rows(rows) => rows.insert(receiver, payment, delivery).await,
        }
    }
}

/// The effects, as the parent reads them.
#[derive(Debug)]
pub(crate) enum EffectsLog<'a> {
    File(PathBuf),
    Rows(&'a RunDatabase),
}

impl EffectsLog<'_> {
    pub(crate) fn runs(&self) -> io::Result<Runs> {
        let lines = match self {
            Self::File(path) => fs::read_to_string(path)?.lines().map(str::to_owned).collect(),
            Self::Rows(database) => database.query("SELECT receiver || ' ' || payment || ' ' || key FROM soak_effect"),
        };
        let mut runs = Runs::new();
        for line in lines {
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
