//! What `--help` says.

pub(crate) const TEXT: &str = "\
A stand-in for ATH Móvil's servers: answers the provider's API on this machine, moves no real money,
and goes wrong on purpose if you like.

Usage: athm-simulator [OPTIONS]

Where and when
  --port N                 the port on 127.0.0.1, 0 for any free one [9000]
  --speed N                so many seconds pass at the provider in one [1]
  --seed N                 the same chance, references and tokens every time

What it tells
  --webhook-url URL        sends webhooks there, on this machine alone
  --shape v4|v2020|either  the shape of webhooks [v4]
  --customers app|web      web: webhooks tell of cancelled and expired payments, too [app]
  --refund-reference own|payment
                           whose reference number a refund carries [own]

What goes wrong by chance, in a thousand
  --faults N               so many requests, every sort of fault alike
  --fault WORD:N           so many requests in that way; may be given several times
  --webhook-faults N       so many webhooks, every sort of fault alike
  --webhook-fault WORD:N   so many webhooks in that way; may be given several times

Whose it is
  --business NAME          the business that is paid, as the phone shows it
  --business-id ID         its businessCustomerId
  --public-token TOKEN     the only public token to accept [any]
  --private-token TOKEN    the only private token to accept [any]

  -h, --help               this
  -V, --version            the version

Faults of requests
  reject=BTRA_9998         refused with that code
  slow=2s                  answered so much later
  timeout                  never answered
  error                    HTTP 500
  bad-gateway              HTTP 502 and an HTML page
  garbage                  HTTP 200 and no JSON
  truncated                half of the answer
  stale=5s                 answered well, and seen by find, search and report so much later
  bom                      answered well, behind a byte order mark
  timeout, error, bad-gateway and garbage have no effect; timeout-after has it all the same, and
  timeout-late=5s has one that is seen so much later; so with the others. truncated always has its effect.

Faults of webhooks
  lost  doubled  delayed=5s  reordered  forged

Examples
  athm-simulator --webhook-url http://127.0.0.1:8080/athm/webhook
  athm-simulator --port 0 --speed 60 --seed 7 --faults 100 --webhook-fault lost:200
  ATHM_API_URL=http://127.0.0.1:9000 cargo run --example shop
";
