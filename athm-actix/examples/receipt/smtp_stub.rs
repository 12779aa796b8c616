//! A mail server on loopback that keeps what it is sent.

use std::io::{self, BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

/// Its address, and the mails that it has taken.
pub(crate) struct SmtpStub {
    pub(crate) address: String,
    pub(crate) mails: Receiver<String>,
}

impl SmtpStub {
    /// Starts it. It has no room for the first `refused` mails.
    pub(crate) fn start(refused: usize) -> io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0))?;
        let address = listener.local_addr()?.to_string();
        let (sender, mails) = channel();
        thread::spawn(move || {
            let mut refused = refused;
            for connection in listener.incoming().flatten() {
                // One after another: the tests send one mail at a time.
                let _ = serve(connection, &sender, &mut refused);
            }
        });
        Ok(Self { address, mails })
    }
}

fn serve(connection: TcpStream, mails: &Sender<String>, refused: &mut usize) -> io::Result<()> {
    let mut answers = connection.try_clone()?;
    let mut lines = BufReader::new(connection).lines();
    answers.write_all(b"220 stub\r\n")?;
    let mut mail = String::new();
    while let Some(line) = lines.next().transpose()? {
        let answer = match line.split(' ').next().unwrap_or_default() {
            "DATA" if *refused > 0 => {
                *refused -= 1;
                "452 no room"
            }
            "DATA" => {
                answers.write_all(b"354 go on\r\n")?;
                for line in lines.by_ref() {
                    match line? {
                        end if end == "." => break,
                        line => mail = format!("{mail}{line}\n"),
                    }
                }
                let _ = mails.send(std::mem::take(&mut mail));
                "250 taken"
            }
            "QUIT" => return answers.write_all(b"221 bye\r\n"),
            _ => "250 yes",
        };
        answers.write_all(format!("{answer}\r\n").as_bytes())?;
    }
    Ok(())
}
