use athm_core::receiver;

struct Shop;

impl Shop {
    #[receiver(completed)]
    fn fulfil(shop: &Self) {
        let Shop = shop;
    }
}

fn main() {}
