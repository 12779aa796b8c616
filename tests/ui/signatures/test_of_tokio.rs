use athm_core::receiver;

#[receiver(completed)]
#[tokio::test]
async fn fulfil() {}

fn main() {}
