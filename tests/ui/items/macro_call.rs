use athm_core::receiver;

macro_rules! handler {
    ($name:ident) => {
        fn $name() {}
    };
}

#[receiver(completed)]
handler! { fulfil }

fn main() {}
