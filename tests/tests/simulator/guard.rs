//! Access control: a simulator runs on the machine of a person who also visits web pages.

use std::net::{IpAddr, Ipv4Addr, TcpStream, UdpSocket};
use std::time::Duration;

use athm_core::Status;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::{Shop, payment, send};

/// Every route that changes state or answers payment data.
const CHANGING: [&str; 20] = [
    "/api/business-transaction/ecommerce/payment",
    "/api/business-transaction/ecommerce/authorization",
    "/api/business-transaction/ecommerce/refund",
    "/api/business-transaction/ecommerce/business/findPayment",
    "/api/business-transaction/ecommerce/business/updatePhoneNumber",
    "/api/business-transaction/ecommerce/business/cancel",
    "/api/v4/searchTransaction",
    "/transactions/webhook/post",
    "/simulator/payments",
    "/simulator/payments/{id}/approve",
    "/simulator/payments/{id}/decline",
    "/simulator/payments/{id}/refund",
    "/simulator/received",
    "/simulator/test-webhook",
    "/simulator/time",
    "/simulator/faults",
    "/simulator/webhook-faults",
    "/simulator/faults/clear",
    "/",
    "/nothing",
];

#[tokio::test]
async fn a_page_of_another_origin_changes_nothing() {
    let shop = Shop::open().await;
    let id = shop.simulator.insert(payment(100));
    let port = shop.simulator.url().rsplit_once(':').unwrap().1.to_owned();
    for path in CHANGING.map(|path| path.replace("{id}", &id.to_string())) {
        for origin in [
            "https://elsewhere.example",
            "null",
            "",
            "http://127.0.0.1:1",
            "http://127.0.0.1",
            &format!("http://localhost:{port}"),
            &format!("http://127.0.0.1:{port}.elsewhere.example"),
            &format!("http://elsewhere.example@127.0.0.1:{port}"),
            &format!("file://127.0.0.1:{port}"),
        ] {
            for method in [Method::POST, Method::PUT, Method::DELETE] {
                // What a page may send without asking first.
                let request = shop.client.request(method, format!("{}{path}", shop.simulator.url()));
                let request = request.header("Origin", origin).header("Content-Type", "text/plain");
                let response = send(request.body(json!({ "publicToken": "p", "seconds": 9 }).to_string())).await;
                assert_eq!(response.status(), StatusCode::FORBIDDEN, "{path} from {origin:?}");
                assert!(response.json::<Value>().await.unwrap()["error"].is_string());
            }
        }
    }
    assert_eq!(shop.simulator.payments().len(), 1);
    assert_eq!(shop.simulator.payment(&id).unwrap().status, Status::Open);
}

#[tokio::test]
async fn dns_rebinding_reads_and_changes_nothing() {
    let shop = Shop::open().await;
    let id = shop.simulator.insert(payment(100));
    let paths = ["/".to_owned(), format!("/simulator/payments/{id}"), "/simulator/phone.js".to_owned()];
    for host in [
        "elsewhere.example",
        "elsewhere.example:9001",
        "127.0.0.1.elsewhere.example",
        "127.0.0.1@elsewhere.example",
        "0.0.0.0",
        "10.0.0.1",
    ] {
        for path in &paths {
            assert_eq!(send(shop.get(path).header("Host", host)).await.status(), StatusCode::FORBIDDEN, "{host}{path}");
        }
        // Its own page, as the browser sees it: Origin and Host agree.
        let approve = shop.post(&format!("/simulator/payments/{id}/approve"));
        let approve = approve.header("Host", host).header("Origin", format!("http://{host}"));
        assert_eq!(send(approve).await.status(), StatusCode::FORBIDDEN, "{host}");
    }
    assert_eq!(shop.simulator.payment(&id).unwrap().status, Status::Open);
}

#[tokio::test]
async fn other_machines_can_not_connect() {
    let shop = Shop::open().await;
    let port = shop.simulator.url().rsplit_once(':').unwrap().1.parse().unwrap();
    // The address of this machine in its network; connecting a datagram socket sends nothing.
    let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).unwrap();
    let outward = socket.connect(("192.0.2.1", 9)).and_then(|()| socket.local_addr()).map(|address| address.ip());
    let elsewhere = outward.unwrap_or(IpAddr::V4(Ipv4Addr::new(127, 0, 0, 2)));
    let connected = TcpStream::connect_timeout(&(elsewhere, port).into(), Duration::from_secs(20));
    assert!(connected.is_err(), "it answers at {elsewhere}");
}
