use athm_core::receiver;

unsafe extern "C" {
    #[receiver(completed)]
    fn fulfil();
}

fn main() {}
