//! The provider's stand-in: it knows every payment as completed, and answers after a pause.

use std::time::Duration;

use actix_web::{App, HttpResponse, HttpServer, web};
use serde_json::{Value, json};

/// How long it takes for each answer.
pub(crate) const PAUSE: Duration = Duration::from_millis(20);

/// Starts it on a thread of its own, and returns its address.
pub(crate) fn start() -> Result<String, Box<dyn std::error::Error>> {
    let (sender, started) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        actix_web::rt::System::new().block_on(async move {
            let server = HttpServer::new(|| App::new().default_service(web::post().to(answer)));
            let server = server.workers(1).disable_signals().bind(("127.0.0.1", 0)).ok()?;
            sender.send(server.addrs()[0]).ok()?;
            server.run().await.ok()
        })
    });
    Ok(format!("http://{}", started.recv()?))
}

async fn answer(asked: web::Json<Value>) -> HttpResponse {
    tokio::time::sleep(PAUSE).await;
    let Some(id) = asked["ecommerceId"].as_str() else {
        return HttpResponse::BadRequest().json(json!({ "errorCode": "5010", "description": "no such transaction" }));
    };
    let item = json!({ "name": "Coffee", "description": "Medium roast", "quantity": 1, "price": 14.5, "tax": 1.67, "metadata": "c-1" });
    HttpResponse::Ok().json(json!({ "status": "success", "data": {
        "ecommerceStatus": "COMPLETED", "ecommerceId": id, "referenceNumber": format!("bench-{id}"),
        "transactionDate": "2026-11-27 10:00:00", "dailyTransactionId": "0007", "businessName": "Bench", "subTotal": 29.0,
        "tax": 3.34, "total": 32.34, "fee": 0.85, "netAmount": 31.49, "totalRefundedAmount": 0, "metadata1": "order-1",
        "metadata2": "web", "items": [item.clone(), item], "isNonProfit": false,
    } }))
}
