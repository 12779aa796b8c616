//! A shop whose server is a process of its own, to be killed.

use std::ffi::OsString;
use std::path::Path;

use athm_simulator::Simulator;
use athm_tests::{Process, SqliteDatabase, http_client};

pub(crate) struct ShopProcess {
    pub(crate) simulator: Simulator,
    database: SqliteDatabase,
    server: Process,
}

impl ShopProcess {
    pub(crate) async fn open() -> Self {
        let (simulator, database) = (Simulator::start().await.expect("a simulator"), SqliteDatabase::new());
        let server = serve(&simulator, &database, 0).await;
        Self { simulator, database, server }
    }

    /// The address of the page of a new checkout.
    pub(crate) async fn offer(&self) -> String {
        let answer = http_client().post(format!("{}/offer", self.server.url())).send().await.expect("an answer");
        format!("{}{}", self.server.url(), answer.text().await.expect("a path"))
    }

    /// The orders for which the receiver ran in the process that serves now.
    pub(crate) async fn shipped(&self) -> String {
        let answer = http_client().get(format!("{}/shipped", self.server.url())).send().await.expect("an answer");
        answer.text().await.expect("a list")
    }

    /// SIGKILL.
    pub(crate) fn kill(&mut self) {
        self.server.kill().expect("it runs");
    }

    /// The same program, database and address, in a process that knows nothing of the one before.
    pub(crate) async fn start_again(&mut self) {
        let port = self.server.url().rsplit(':').next().and_then(|port| port.parse().ok()).expect("a port");
        self.server = serve(&self.simulator, &self.database, port).await;
    }
}

async fn serve(simulator: &Simulator, database: &SqliteDatabase, port: u16) -> Process {
    let arguments = ["--database", &database.url(), "--api-url", simulator.url(), "--port", &port.to_string()];
    let arguments = arguments.map(OsString::from);
    let program = Path::new(env!("CARGO_BIN_EXE_checkout_server"));
    Process::start_program(program, &arguments).await.expect("it serves")
}
