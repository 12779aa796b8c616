//! The HTTP server, on a thread of its own, so that it runs beside any async runtime.

use std::net::{Ipv4Addr, TcpListener};
use std::sync::Arc;
use std::{io, thread};

use actix_web::dev::ServerHandle;
use actix_web::middleware::from_fn;
use actix_web::{App, HttpServer, rt, web};
use tokio::sync::{oneshot, watch};

use crate::control;
use crate::endpoints;
use crate::error::SimulatorError;
use crate::middleware;
use crate::pages;
use crate::shared::Shared;
use crate::webhook_sender;

pub(crate) struct Server {
    url: String,
    handle: ServerHandle,
    /// The server's thread holds the sender and sends nothing: the channel closes when the thread ends.
    ended: watch::Receiver<()>,
}

impl Server {
    pub(crate) async fn start(port: u16, shared: Arc<Shared>) -> Result<Self, SimulatorError> {
        // Loopback only: every client that reaches the simulator can approve payments.
        let listener =
            TcpListener::bind((Ipv4Addr::LOCALHOST, port)).map_err(|source| SimulatorError::Bind { port, source })?;
        let address = listener.local_addr().map_err(|source| SimulatorError::Bind { port, source })?;

        let (started, start) = oneshot::channel();
        let (alive, ended) = watch::channel(());
        thread::Builder::new()
            .name(String::from("athm-simulator"))
            .spawn(move || {
                let _alive = alive;
                rt::System::new().block_on(run(listener, shared, started));
            })
            .map_err(|source| SimulatorError::Start { source })?;

        let gone = |_| SimulatorError::Start { source: io::Error::other("the thread ended before the server was up") };
        let handle = start.await.map_err(gone)?.map_err(|source| SimulatorError::Start { source })?;
        Ok(Self { url: format!("http://{address}"), handle, ended })
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    pub(crate) async fn stop(&self) {
        self.handle.stop(false).await;
        let mut ended = self.ended.clone();
        while ended.changed().await.is_ok() {}
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // The call sends the command; the future only waits until the server has stopped.
        drop(self.handle.stop(false));
    }
}

async fn run(listener: TcpListener, shared: Arc<Shared>, started: oneshot::Sender<io::Result<ServerHandle>>) {
    match webhook_sender::client() {
        // The task ends with the thread.
        Ok(client) => drop(rt::spawn(webhook_sender::run(Arc::clone(&shared), client))),
        Err(error) => {
            let _ = started.send(Err(io::Error::other(error)));
            return;
        }
    }
    let shared = web::Data::from(shared);
    let server = HttpServer::new(move || {
        App::new()
            .app_data(shared.clone())
            .configure(endpoints::configure)
            .configure(control::configure)
            .configure(pages::configure)
            .default_service(web::to(control::not_found))
            .wrap(from_fn(middleware::control_access))
    })
    .workers(1)
    .disable_signals()
    .listen(listener);

    match server.map(HttpServer::run) {
        Ok(server) => {
            // If the caller of `start` is gone, the server is dropped before it accepts a connection.
            if started.send(Ok(server.handle())).is_ok()
                && let Err(error) = server.await
            {
                tracing::error!(error = &error as &dyn std::error::Error, "the simulator's server has failed");
            }
        }
        Err(error) => {
            let _ = started.send(Err(error));
        }
    }
}
