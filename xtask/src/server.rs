//! A plain static file server, as a stand-in for any static host: files from one folder, right media types,
//! nothing dynamic. It can be stopped, which is how the journeys cut the network.

use std::fs;
use std::io::{self, BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, UNIX_EPOCH};

/// A running server. Dropping it stops it.
pub struct Server {
    address: SocketAddr,
    prefix: String,
    stopping: Arc<AtomicBool>,
    accepting: Option<JoinHandle<()>>,
}

impl Server {
    /// Serves `folder` on 127.0.0.1. Port 0 takes any free one. `prefix` is the path below which the files appear,
    /// such as `/` or `/hone/`.
    ///
    /// # Errors
    /// When the port is taken or may not be used.
    pub fn start(folder: &Path, port: u16, prefix: &str) -> io::Result<Server> {
        let listener = TcpListener::bind(("127.0.0.1", port))?;
        let address = listener.local_addr()?;
        let prefix = match prefix.trim_matches('/') {
            "" => "/".to_owned(),
            inner => format!("/{inner}/"),
        };
        let stopping = Arc::new(AtomicBool::new(false));
        let site =
            Arc::new(Site { folder: folder.to_owned(), prefix: prefix.clone(), stopping: Arc::clone(&stopping) });
        let accepting = thread::spawn(move || {
            for stream in listener.incoming() {
                if site.stopping.load(Ordering::SeqCst) {
                    break;
                }
                let site = Arc::clone(&site);
                // A connection that breaks concerns nobody but the browser that broke it.
                if let Ok(stream) = stream {
                    thread::spawn(move || site.converse(stream));
                }
            }
        });
        Ok(Server { address, prefix, stopping, accepting: Some(accepting) })
    }

    /// Where the site's first page is.
    pub fn url(&self) -> String {
        format!("http://{}{}", self.address, self.prefix)
    }

    /// The part of the address that makes two pages belong together.
    pub fn origin(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Stops listening; open connections close within half a second.
    pub fn stop(&mut self) {
        self.stopping.store(true, Ordering::SeqCst);
        // The accept loop only looks up when somebody knocks.
        let _ = TcpStream::connect(self.address);
        if let Some(accepting) = self.accepting.take() {
            let _ = accepting.join();
        }
    }

    /// Blocks for as long as the server runs.
    pub fn wait(mut self) {
        if let Some(accepting) = self.accepting.take() {
            let _ = accepting.join();
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop();
    }
}

struct Site {
    folder: PathBuf,
    prefix: String,
    stopping: Arc<AtomicBool>,
}

/// The part of a request that matters here.
struct Request {
    method: String,
    target: String,
    if_none_match: Option<String>,
    close: bool,
}

struct Response {
    status: &'static str,
    headers: Vec<(&'static str, String)>,
    body: Vec<u8>,
}

impl Site {
    fn converse(&self, mut stream: TcpStream) {
        // Short, so that an idle connection notices `stop`.
        if stream.set_read_timeout(Some(Duration::from_millis(250))).is_err() {
            return;
        }
        // Header and body are written apart; without this the body waits for the header's acknowledgement.
        let _ = stream.set_nodelay(true);
        let Ok(reading) = stream.try_clone() else { return };
        let mut reader = BufReader::new(reading);
        while let Some(request) = self.read_request(&mut reader) {
            let response = self.answer(&request);
            let head_only = request.method == "HEAD";
            if write_response(&mut stream, &response, head_only).is_err() || request.close {
                return;
            }
        }
    }

    /// The next request, or `None` when the connection or the server ends.
    fn read_request(&self, reader: &mut BufReader<TcpStream>) -> Option<Request> {
        let first = self.read_line(reader)?;
        let mut words = first.split_whitespace();
        let mut request = Request {
            method: words.next()?.to_owned(),
            target: words.next()?.to_owned(),
            if_none_match: None,
            close: false,
        };
        loop {
            let line = self.read_line(reader)?;
            let Some((name, value)) = line.split_once(':') else { return line.is_empty().then_some(request) };
            match name.to_ascii_lowercase().as_str() {
                "if-none-match" => request.if_none_match = Some(value.trim().to_owned()),
                "connection" => request.close = value.trim().eq_ignore_ascii_case("close"),
                _ => {}
            }
        }
    }

    fn read_line(&self, reader: &mut BufReader<TcpStream>) -> Option<String> {
        let mut line = Vec::new();
        loop {
            if self.stopping.load(Ordering::SeqCst) {
                return None;
            }
            match reader.read_until(b'\n', &mut line) {
                Ok(0) => return None,
                Ok(_) => break,
                Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) => {}
                Err(_) => return None,
            }
        }
        Some(String::from_utf8_lossy(&line).trim_end().to_owned())
    }

    fn answer(&self, request: &Request) -> Response {
        if !matches!(request.method.as_str(), "GET" | "HEAD") {
            return plain("405 Method Not Allowed", "only GET and HEAD");
        }
        let path = request.target.split(['?', '#']).next().unwrap_or_default();
        if format!("{path}/") == self.prefix {
            return Response {
                status: "301 Moved Permanently",
                headers: vec![("Location", self.prefix.clone())],
                body: Vec::new(),
            };
        }
        let Some(file) = path.strip_prefix(&self.prefix).and_then(|inside| self.file(inside)) else {
            return plain("404 Not Found", "no such file");
        };
        let Ok(body) = fs::read(&file) else { return plain("404 Not Found", "no such file") };
        let tag = entity_tag(&file, body.len());
        let mut headers = vec![
            ("Content-Type", media_type(&file).to_owned()),
            ("ETag", tag.clone()),
            // Worker files have no hash in their names: always ask, answer 304 when nothing changed.
            ("Cache-Control", "no-cache".to_owned()),
        ];
        if request.if_none_match.as_deref() == Some(tag.as_str()) {
            headers.retain(|(name, _)| *name != "Content-Type");
            return Response { status: "304 Not Modified", headers, body: Vec::new() };
        }
        Response { status: "200 OK", headers, body }
    }

    /// The file for a path inside the site, unless it would lead outside.
    fn file(&self, inside: &str) -> Option<PathBuf> {
        let inside = PathBuf::from(percent_decode(inside)?);
        if !inside.components().all(|component| matches!(component, Component::Normal(_))) {
            return None;
        }
        let path = self.folder.join(inside);
        Some(if path.is_dir() { path.join("index.html") } else { path })
    }
}

fn write_response(stream: &mut TcpStream, response: &Response, head_only: bool) -> io::Result<()> {
    let mut head = format!("HTTP/1.1 {}\r\nContent-Length: {}\r\n", response.status, response.body.len());
    for (name, value) in &response.headers {
        head += &format!("{name}: {value}\r\n");
    }
    stream.write_all(format!("{head}\r\n").as_bytes())?;
    if !head_only {
        stream.write_all(&response.body)?;
    }
    stream.flush()
}

fn plain(status: &'static str, text: &str) -> Response {
    Response {
        status,
        headers: vec![("Content-Type", "text/plain; charset=utf-8".to_owned())],
        body: format!("{text}\n").into_bytes(),
    }
}

/// Changes whenever the file does, to the resolution of its time stamp.
fn entity_tag(file: &Path, length: usize) -> String {
    let changed = fs::metadata(file)
        .and_then(|metadata| metadata.modified())
        .ok()
        .and_then(|time| time.duration_since(UNIX_EPOCH).ok())
        .map_or(0, |since| since.as_nanos());
    format!("\"{length:x}-{changed:x}\"")
}

/// `application/wasm` is what lets a browser compile while it downloads.
fn media_type(file: &Path) -> &'static str {
    match file.extension().and_then(|extension| extension.to_str()).unwrap_or_default() {
        "html" => "text/html; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "js" => "text/javascript; charset=utf-8",
        "wasm" => "application/wasm",
        "json" => "application/json",
        "webmanifest" => "application/manifest+json",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "webp" => "image/webp",
        "csv" => "text/csv; charset=utf-8",
        "md" | "txt" => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}

/// `None` if an escape is broken or the result is not UTF-8.
fn percent_decode(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let digit = |byte: Option<u8>| byte.and_then(|byte| char::from(byte).to_digit(16));
            let (high, low) = (digit(rest.next())?, digit(rest.next())?);
            bytes.push(u8::try_from(high * 16 + low).ok()?);
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;

    fn ask(server: &Server, path: &str) -> String {
        let mut stream = TcpStream::connect(server.address).unwrap();
        write!(stream, "GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }

    #[test]
    fn serves_files_below_the_prefix_and_nothing_else() {
        let folder = std::env::temp_dir().join(format!("hone-server-{}", std::process::id()));
        fs::create_dir_all(folder.join("site/inner")).unwrap();
        fs::write(folder.join("secret"), "secret").unwrap();
        fs::write(folder.join("site/index.html"), "the page").unwrap();
        fs::write(folder.join("site/inner/a b.wasm"), "code").unwrap();
        let server = Server::start(&folder.join("site"), 0, "/hone/").unwrap();

        let page = ask(&server, "/hone/?query");
        assert!(page.starts_with("HTTP/1.1 200") && page.ends_with("the page"), "{page}");
        let code = ask(&server, "/hone/inner/a%20b.wasm");
        assert!(code.contains("Content-Type: application/wasm"), "{code}");
        assert!(ask(&server, "/hone").contains("Location: /hone/"));
        for outside in ["/", "/hone/../secret", "/hone/%2e%2e/secret", "/hone//etc/passwd", "/hone/absent", "/hone/%zz"]
        {
            let answer = ask(&server, outside);
            assert!(answer.starts_with("HTTP/1.1 404"), "{outside}: {answer}");
        }

        let address = server.address;
        drop(server);
        assert!(TcpStream::connect(address).is_err(), "still listening after being stopped");
        fs::remove_dir_all(folder).unwrap();
    }
}
