//! What stands between clients and a broker: connections that are slow, stand still or break, and requests that arrive
//! late.
//!
//! ```text
//! client ──request by request──> proxy ──> broker
//! client <────as it comes─────── proxy <── broker
//! ```
//! Brokers advertise the proxy's address, so that all that clients say goes through it; what brokers say to each other
//! does not.

use std::collections::BTreeMap;
use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

/// The number of the request that ends a transaction (Kafka protocol, "Api Keys").
pub const END_TXN: i16 = 26;

/// The most bytes of a request.
const MOST: usize = 128 << 20;

/// The number of the request for committed offsets.
pub const OFFSET_FETCH: i16 = 9;
/// The number of the request that gives a transaction the offsets of its group.
pub const TXN_OFFSET_COMMIT: i16 = 28;
/// The number of the request for the properties of a topic.
pub const DESCRIBE_CONFIGS: i16 = 32;

/// How long a broker may take for a connection: one that stands still takes some, and then none.
const CONNECT: Duration = Duration::from_millis(500);

/// How long a broker may take for an answer.
const PATIENCE: Duration = Duration::from_secs(120);

/// How the connections through a proxy are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Weather {
    /// How long each piece takes, either way.
    pub delay: Duration,
    /// The most bytes a second of each connection, either way.
    pub bytes_per_second: Option<u32>,
    /// Whether nothing arrives at all, though connections stay.
    pub stands: bool,
}

/// A request that was caught on its way.
#[derive(Debug)]
pub struct Caught {
    go: Sender<()>,
    answer: Receiver<Vec<u8>>,
}

impl Caught {
    /// Lets it go on. Returns the broker's answer, of which nobody else learns, if its connection was cut; nothing if it
    /// goes its way.
    ///
    /// # Panics
    /// If the broker does not answer.
    #[must_use]
    pub fn release(self) -> Vec<u8> {
        self.go.send(()).expect("the proxy holds it");
        self.answer.recv_timeout(PATIENCE).expect("the broker answers")
    }
}

/// A proxy before one broker, until this is dropped.
#[derive(Debug)]
pub struct Proxy {
    shared: Arc<Shared>,
    address: SocketAddr,
}

#[derive(Debug)]
struct Shared {
    target: SocketAddr,
    weather: Mutex<Weather>,
    turned: Condvar,
    /// Both ends of each connection, by its number.
    connections: Mutex<BTreeMap<u64, Arc<[TcpStream; 2]>>>,
    catch: Mutex<Option<Catch>>,
    /// The most that the broker says it speaks, by request.
    most: Mutex<Vec<(i16, Option<i16>)>>,
    leave: AtomicBool,
}

/// What to catch: the next request of this number, and whether its connection is cut.
#[derive(Debug)]
struct Catch {
    api: i16,
    cut: bool,
    to: Sender<Caught>,
}

impl Proxy {
    /// Begins to serve on `address` for the broker at `target`.
    pub(super) fn start(address: &str, target: &str) -> io::Result<Self> {
        let (listener, target) = (TcpListener::bind(address)?, target.parse().map_err(io::Error::other)?);
        let shared = Arc::new(Shared {
            target,
            weather: Mutex::default(),
            turned: Condvar::new(),
            connections: Mutex::default(),
            catch: Mutex::default(),
            most: Mutex::default(),
            leave: AtomicBool::new(false),
        });
        let address = listener.local_addr()?;
        let serving = Arc::clone(&shared);
        thread::Builder::new().name("proxy".to_owned()).spawn(move || {
            for (number, client) in (0..).zip(listener.incoming()) {
                if serving.leave.load(Ordering::Relaxed) {
                    return;
                }
                // A broker that is down refuses, and the client finds its connection closed.
                if let (Ok(client), Ok(broker)) =
                    (client, TcpStream::connect_timeout(&serving.target, CONNECT))
                {
                    drop(serving.connect(number, client, broker));
                }
            }
        })?;
        Ok(Self { shared, address })
    }

    /// How connections are from now on.
    pub fn set(&self, weather: Weather) {
        *lock(&self.shared.weather) = weather;
        self.shared.turned.notify_all();
    }

    /// Breaks all connections. New ones can be made.
    pub fn cut(&self) {
        std::mem::take(&mut *lock(&self.shared.connections)).values().for_each(|both| close(both));
    }

    /// Catches the next request of this number. If `cut`, its connection is cut, so that the client never learns what
    /// became of it.
    pub fn catch(&self, api: i16, cut: bool) -> Receiver<Caught> {
        let (to, caught) = channel();
        *lock(&self.shared.catch) = Some(Catch { api, cut, to });
        caught
    }

    /// Lets the broker say, on new connections, that it speaks these requests in at most this version, or not at all: as
    /// an older one does. What it speaks it speaks as ever.
    pub fn pretend(&self, most: &[(i16, Option<i16>)]) {
        *lock(&self.shared.most) = most.to_vec();
    }

    /// Catches nothing any more.
    pub fn catch_nothing(&self) {
        *lock(&self.shared.catch) = None;
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.shared.leave.store(true, Ordering::Relaxed);
        self.set(Weather::default());
        self.cut();
        // It waits for a connection, and gets one.
        drop(TcpStream::connect(self.address));
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Shared {
    fn connect(self: &Arc<Self>, number: u64, client: TcpStream, broker: TcpStream) -> io::Result<()> {
        for stream in [&client, &broker] {
            stream.set_nodelay(true)?;
        }
        let both = Arc::new([client, broker]);
        lock(&self.connections).insert(number, Arc::clone(&both));
        // A connection that breaks ends both of its threads; whoever it belongs to sees it closed.
        let (shared, up) = (Arc::clone(self), Arc::clone(&both));
        thread::Builder::new().spawn(move || {
            drop(shared.requests(&up[0], &up[1]));
            close(&up);
            lock(&shared.connections).remove(&number);
        })?;
        let shared = Arc::clone(self);
        thread::Builder::new().spawn(move || {
            drop(shared.answers(&both[1], &both[0]));
            close(&both);
        })?;
        Ok(())
    }

    /// Passes requests on, one after another.
    fn requests(&self, client: &TcpStream, mut broker: &TcpStream) -> io::Result<()> {
        loop {
            let request = frame(client)?;
            let api = i16::from_be_bytes([request[4], request[5]]);
            let caught = lock(&self.catch).take_if(|catch| catch.api == api);
            let Some(Catch { cut, to, .. }) = caught else {
                self.wait(request.len());
                broker.write_all(&request)?;
                continue;
            };
            if cut {
                client.shutdown(Shutdown::Both)?;
            }
            let ((go, gone), (answers, answer)) = (channel(), channel());
            to.send(Caught { go, answer }).map_err(|_| gone_by())?;
            gone.recv().map_err(|_| gone_by())?;
            if cut {
                // By a way of its own, since the old one ends with the client's.
                let mut late = TcpStream::connect(self.target)?;
                late.set_read_timeout(Some(PATIENCE))?;
                late.write_all(&request)?;
                answers.send(frame(&late)?).map_err(|_| gone_by())?;
                return Ok(());
            }
            broker.write_all(&request)?;
            answers.send(Vec::new()).map_err(|_| gone_by())?;
        }
    }

    /// Passes answers back as they come.
    fn answers(&self, mut broker: &TcpStream, mut client: &TcpStream) -> io::Result<()> {
        let mut piece = vec![0; 64 << 10];
        let most = lock(&self.most).clone();
        if !most.is_empty() {
            // A client of ours asks first what the broker speaks.
            let mut versions = frame(broker)?;
            lower(&mut versions, &most);
            client.write_all(&versions)?;
        }
        loop {
            let len = broker.read(&mut piece)?;
            if len == 0 {
                return Ok(());
            }
            self.wait(len);
            client.write_all(&piece[..len])?;
        }
    }

    /// As long as so many bytes take.
    fn wait(&self, bytes: usize) {
        let standing = lock(&self.weather);
        let weather = self.turned.wait_while(standing, |weather| weather.stands);
        let Weather { delay, bytes_per_second, .. } = *weather.unwrap_or_else(PoisonError::into_inner);
        let throttled = bytes_per_second.map_or(0.0, |rate| bytes as f64 / f64::from(rate));
        let whole = delay + Duration::from_secs_f64(throttled);
        if !whole.is_zero() {
            thread::sleep(whole);
        }
    }
}

/// The next frame, with its length before it.
fn frame(mut from: &TcpStream) -> io::Result<Vec<u8>> {
    let mut frame = vec![0; 4];
    from.read_exact(&mut frame)?;
    let len = u32::from_be_bytes([frame[0], frame[1], frame[2], frame[3]]) as usize;
    if !(2..=MOST).contains(&len) {
        return Err(io::Error::other(format!("a frame of {len} bytes")));
    }
    frame.resize(4 + len, 0);
    from.read_exact(&mut frame[4..])?;
    Ok(frame)
}

/// Lowers the versions in an answer to ApiVersions of version 3: behind length, number of the request and code, how many
/// there are and one more, of each request its number, the least and the most version, and no tags.
fn lower(answer: &mut [u8], most: &[(i16, Option<i16>)]) {
    let (mut at, mut count, mut shift) = (10, 0, 0);
    loop {
        count |= usize::from(answer[at] & 0x7f) << shift;
        (at, shift) = (at + 1, shift + 7);
        if answer[at - 1] & 0x80 == 0 {
            break;
        }
    }
    for entry in answer[at..].chunks_exact_mut(7).take(count - 1) {
        let known = most.iter().find(|(api, _)| entry[..2] == api.to_be_bytes());
        match known {
            Some((_, Some(version))) => entry[4..6].copy_from_slice(&version.to_be_bytes()),
            // A number that no client knows.
            Some((_, None)) => entry[..2].copy_from_slice(&i16::MAX.to_be_bytes()),
            None => {}
        }
    }
}

/// Nobody waits any more for what was caught.
fn gone_by() -> io::Error {
    io::ErrorKind::BrokenPipe.into()
}

fn close(both: &[TcpStream; 2]) {
    for stream in both {
        // The other thread may have closed it.
        drop(stream.shutdown(Shutdown::Both));
    }
}
