//! The fault proxy does to a connection what it says, and undoes it.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use testkit::{Fault, FaultProxy, RedisClient, RedisServer, Reply, eventually};

const SOON: Duration = Duration::from_secs(10);
/// Long enough for an answer that comes, short enough to wait for one that does not.
const A_WHILE: Duration = Duration::from_millis(300);

struct Setup {
    proxy: FaultProxy,
    server: RedisServer,
}

fn setup() -> Result<Setup> {
    let server = RedisServer::start()?;
    Ok(Setup { proxy: FaultProxy::start(server.address())?, server })
}

impl Setup {
    fn client(&self) -> Result<RedisClient> {
        let mut client = RedisClient::connect(self.proxy.address())?;
        client.command(&["PING"])?;
        Ok(client)
    }

    fn await_open(&self, expected: usize) -> Result<()> {
        eventually(SOON, || {
            let open = self.proxy.open();
            ensure!(open == expected, "{open} are open");
            Ok(())
        })
    }
}

fn ping(client: &mut RedisClient, patience: Duration) -> Result<()> {
    client.set_timeout(patience);
    let reply = client.command(&["PING"])?;
    ensure!(reply == Reply::Simple("PONG".into()), "{reply:?}");
    Ok(())
}

fn assert_hangs(client: &mut RedisClient) -> Result<()> {
    let error = ping(client, A_WHILE).err().context("it answered")?;
    ensure!(error.to_string().contains("no answer in time"), "{error}");
    Ok(())
}

#[test]
fn everything_passes_and_is_counted() -> Result<()> {
    let setup = setup()?;
    let value = "x".repeat(3_000_000);
    let mut client = setup.client()?;
    client.command(&["SET", "key", &value])?;
    ensure!(client.command(&["GET", "key"])? == Reply::Bulk(value.into_bytes()));
    let other = setup.client()?;
    ensure!((setup.proxy.open(), setup.proxy.accepted()) == (2, 2));
    drop(other);
    setup.await_open(1)?;
    ensure!(setup.proxy.accepted() == 2);
    ensure!(!setup.proxy.connections()[1].is_open());
    Ok(())
}

#[test]
fn a_black_hole_keeps_the_connection_and_lets_go_later() -> Result<()> {
    let setup = setup()?;
    let mut client = setup.client()?;
    setup.proxy.set_fault(Fault::BlackHole)?;
    assert_hangs(&mut client)?;
    let mut newcomer = RedisClient::connect(setup.proxy.address())?;
    assert_hangs(&mut newcomer)?;
    setup.await_open(2)?;
    setup.proxy.set_fault(Fault::Pass)?;
    // The late answer of the first ping is on its way, before that of the second.
    ping(&mut client, SOON)?;
    ping(&mut newcomer, SOON)
}

#[test]
fn a_cut_ends_connections_and_refuses_new_ones() -> Result<()> {
    let setup = setup()?;
    let mut client = setup.client()?;
    setup.proxy.set_fault(Fault::Cut)?;
    ensure!(ping(&mut client, SOON).is_err());
    let error = TcpStream::connect(setup.proxy.address()).err().context("not refused")?;
    ensure!(error.kind() == std::io::ErrorKind::ConnectionRefused, "{error}");
    ensure!(setup.proxy.open() == 0);
    setup.proxy.set_fault(Fault::Pass)?;
    ping(&mut setup.client()?, SOON)
}

#[test]
fn connections_are_cut_once() -> Result<()> {
    let setup = setup()?;
    let mut client = setup.client()?;
    setup.proxy.cut_connections();
    ensure!(ping(&mut client, SOON).is_err());
    ping(&mut setup.client()?, SOON)
}

#[test]
fn one_connection_suffers_alone() -> Result<()> {
    let setup = setup()?;
    let (mut first, mut second) = (setup.client()?, setup.client()?);
    setup.proxy.connections()[0].set_fault(Fault::BlackHole);
    assert_hangs(&mut first)?;
    ping(&mut second, SOON)?;
    setup.proxy.connections()[1].set_fault(Fault::Cut);
    ensure!(ping(&mut second, SOON).is_err());
    setup.await_open(1)
}

#[test]
fn new_connections_suffer_and_old_ones_do_not() -> Result<()> {
    let setup = setup()?;
    let mut old = setup.client()?;
    setup.proxy.set_fault_of_new(Fault::BlackHole)?;
    assert_hangs(&mut RedisClient::connect(setup.proxy.address())?)?;
    ping(&mut old, SOON)?;
    setup.proxy.set_fault_of_new(Fault::Cut)?;
    ensure!(TcpStream::connect(setup.proxy.address()).is_err());
    ping(&mut old, SOON)
}

#[test]
fn held_answers_leave_the_deed_done() -> Result<()> {
    let setup = setup()?;
    let mut client = setup.client()?;
    setup.proxy.set_fault(Fault::HoldAnswers)?;
    client.set_timeout(A_WHILE);
    ensure!(client.command(&["SET", "key", "1"]).is_err());
    eventually(SOON, || {
        ensure!(setup.server.command(&["GET", "key"])? == Reply::Bulk(b"1".to_vec()));
        Ok(())
    })
}

#[test]
fn a_delay_is_at_least_as_long_in_each_direction() -> Result<()> {
    let setup = setup()?;
    let mut client = setup.client()?;
    setup.proxy.set_fault(Fault::Delay(Duration::from_millis(60)))?;
    let began = Instant::now();
    ping(&mut client, SOON)?;
    ensure!(began.elapsed() >= Duration::from_millis(120), "{:?}", began.elapsed());
    Ok(())
}

#[test]
fn a_trickle_and_a_rate_are_at_least_as_slow_as_said() -> Result<()> {
    let setup = setup()?;
    let mut client = setup.client()?;
    // The request has 14 bytes, the answer 7; nothing is awaited after the last byte.
    setup.proxy.set_fault(Fault::Trickle(Duration::from_millis(10)))?;
    let began = Instant::now();
    ping(&mut client, SOON)?;
    ensure!(began.elapsed() >= Duration::from_millis(190), "{:?}", began.elapsed());

    setup.server.command(&["SET", "key", &"x".repeat(1_000)])?;
    setup.proxy.set_fault(Fault::Rate(4_000))?;
    let began = Instant::now();
    client.command(&["GET", "key"])?;
    ensure!(began.elapsed() >= Duration::from_millis(200), "{:?}", began.elapsed());
    Ok(())
}

#[test]
fn a_side_that_has_said_everything_still_hears_the_other() -> Result<()> {
    let setup = setup()?;
    let mut stream = TcpStream::connect(setup.proxy.address())?;
    stream.set_read_timeout(Some(SOON))?;
    stream.write_all(b"PING\r\nQUIT\r\n")?;
    stream.shutdown(std::net::Shutdown::Write)?;
    let mut answers = String::new();
    stream.read_to_string(&mut answers)?;
    ensure!(answers == "+PONG\r\n+OK\r\n", "{answers:?}");
    setup.await_open(0)
}

#[test]
fn a_target_that_is_gone_ends_the_connection() -> Result<()> {
    let Setup { proxy, server } = setup()?;
    drop(server);
    let mut client = RedisClient::connect(proxy.address())?;
    ensure!(ping(&mut client, SOON).is_err());
    Ok(())
}
