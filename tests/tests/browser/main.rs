//! The checkout's page in a browser: Chromium without a window, driven by chromedriver. `tests/with-browser` installs them.
//!
//! Every test ends by asking that the browser's console is empty: a violation of the content security policy, a script's
//! error or a failed request stands there.

mod accessibility;
mod browser;
mod flows;
mod looks;
mod shop;
mod shop_process;
