use athm_core::receiver;

trait Shop {
    #[receiver(completed)]
    fn fulfil();
}

fn main() {}
