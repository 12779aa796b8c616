//! A shop whose checkout a browser pays: its server, its provider, and the customer's phone.

use std::net::SocketAddr;
use std::sync::mpsc;

use actix_web::dev::ServerHandle;
use actix_web::http::header::ContentType;
use actix_web::{App, HttpResponse, HttpServer, web};
use athm_actix::checkouts::{ButtonTheme, Checkout, CheckoutId, CheckoutOptions, Language, NewCheckout};
use athm_actix::ids::EcommerceId;
use athm_actix::testing::{BuilderExt as _, Clock};
use athm_actix::{Amount, Athm, Item};
use athm_simulator::Simulator;
use athm_tests::{SqliteDatabase, TextRecorder, verifying_builder};

pub(crate) const PHONE: &str = "787-555-0199";

pub(crate) struct Shop {
    pub(crate) simulator: Simulator,
    pub(crate) athm: Athm,
    pub(crate) recorder: TextRecorder,
    _database: SqliteDatabase,
    address: SocketAddr,
    server: ServerHandle,
}

impl Shop {
    pub(crate) async fn open() -> Self {
        Self::open_at(Clock::system()).await
    }

    /// The shop and the provider have the same time.
    pub(crate) async fn open_at(clock: Clock) -> Self {
        let simulator = Simulator::builder().clock(clock.clone()).start().await.expect("a simulator");
        let (database, recorder) = (SqliteDatabase::new(), TextRecorder::new());
        let builder = verifying_builder(&simulator, &database, recorder.listening()).clock(clock);
        let athm = builder.start().await.expect("it starts");
        let (address, server) = serve(&athm);
        Self { simulator, athm, recorder, _database: database, address, server }
    }

    /// A checkout of 25.00 for order-7.
    pub(crate) async fn offer(&self) -> Checkout {
        self.athm.checkout(order()).await.expect("a checkout")
    }

    /// The address of its page.
    pub(crate) fn page(&self, checkout: &Checkout) -> String {
        format!("http://{}/athm/checkout/{}", self.address, checkout.id())
    }

    /// The address of a page of the shop's own that holds the component.
    pub(crate) fn own_page(&self, checkout: &Checkout, theme: ButtonTheme) -> String {
        format!("http://{}/buy/{}/{theme}", self.address, checkout.id())
    }

    /// The payment that is open now.
    pub(crate) async fn payment(&self, checkout: &Checkout) -> EcommerceId {
        let checkout = self.athm.checkouts().find(checkout.id()).await.expect("it reads").expect("it is there");
        *checkout.payment().expect("a payment").ecommerce_id().expect("its name")
    }

    pub(crate) async fn approve(&self, checkout: &Checkout) {
        self.simulator.approve(&self.payment(checkout).await).expect("it is open");
    }

    /// How many payments were opened.
    pub(crate) fn opened(&self) -> usize {
        self.simulator.payments().len()
    }
}

impl Drop for Shop {
    fn drop(&mut self) {
        drop(self.server.stop(false));
    }
}

pub(crate) fn order() -> NewCheckout {
    NewCheckout::new(Amount::from_cents(4210), "order-7")
        .tax(Amount::from_cents(434))
        .item(Item::new("Café de Yauco, 12 oz", Amount::from_cents(1450)).quantity(2))
        .item(Item::new("Pique criollo, 8 oz", Amount::from_cents(876)))
        .return_url("/thanks")
}

fn serve(athm: &Athm) -> (SocketAddr, ServerHandle) {
    let athm = athm.clone();
    let (sender, started) = mpsc::channel();
    std::thread::spawn(move || {
        actix_web::rt::System::new().block_on(async move {
            let server = HttpServer::new(move || {
                let options = CheckoutOptions::new().business("Colmado La Loma");
                App::new()
                    .service(athm_actix::scope("/athm", &athm).checkout(options))
                    .app_data(web::Data::new(athm.clone()))
                    .route("/buy/{id}/{theme}", web::get().to(buy))
                    .route(
                        "/thanks",
                        web::get().to(async || html("<!DOCTYPE html><title>Thanks</title><h1>Thanks</h1>")),
                    )
            });
            let server = server.workers(1).disable_signals().shutdown_timeout(1);
            let server = server.bind(("127.0.0.1", 0)).expect("a free port");
            let address = server.addrs()[0];
            let server = server.run();
            sender.send((address, server.handle())).expect("the test waits");
            server.await.expect("it serves");
        });
    });
    started.recv().expect("it starts")
}

async fn buy(athm: web::Data<Athm>, path: web::Path<(String, String)>) -> HttpResponse {
    let (id, theme) = path.into_inner();
    let id: CheckoutId = id.parse().expect("an id");
    let checkout = athm.checkouts().find(id).await.expect("it reads").expect("it is there");
    let button = athm_actix::checkout_button(&checkout).theme(theme.parse().expect("a theme"));
    let button = button.language(Language::English);
    html(&format!(
        "<!DOCTYPE html><html lang=en><title>Buy</title><link rel=icon href=data:,><main><h1>Order 7</h1>{button}</main>"
    ))
}

fn html(text: &str) -> HttpResponse {
    let policy = "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src data:";
    HttpResponse::Ok()
        .content_type(ContentType::html())
        .insert_header(("Content-Security-Policy", policy))
        .body(text.to_owned())
}
