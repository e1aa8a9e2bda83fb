//! Restarts without a gap: while one process takes over from another at the same socket, no client is
//! turned away.

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use command_fds::{CommandFdExt, FdMapping};
use testkit::{DataFolder, Request, eventually, send};

/// A server on `listener`, started as a service manager starts one.
fn start(listener: &TcpListener, data: &DataFolder) -> Child {
    let executable = env!("CARGO_BIN_EXE_horde-model-reference");
    // The shell's process becomes the server's, so that the number it tells is right.
    let script = format!("LISTEN_FDS=1 LISTEN_PID=$$ exec {executable} serve");
    let listener: OwnedFd = listener.try_clone().unwrap().into();
    Command::new("sh")
        .args(["-c", &script])
        .env("AIWORKER_CACHE_HOME", data.cache_home())
        .current_dir(data.cache_home())
        .stderr(Stdio::piped())
        .fd_mappings(vec![FdMapping { parent_fd: listener, child_fd: 3 }])
        .unwrap()
        .spawn()
        .unwrap()
}

/// Waits until the server says that it serves, then lets its log go.
fn wait_until_serving(server: &mut Child) {
    let mut log = BufReader::new(server.stderr.take().unwrap());
    let mut line = String::new();
    while !line.contains("serving at") {
        line.clear();
        assert_ne!(log.read_line(&mut line).unwrap(), 0, "the server ended before it served");
    }
    std::thread::spawn(move || std::io::copy(&mut log, &mut std::io::sink()));
}

fn terminate(server: &mut Child) {
    let id = server.id().to_string();
    assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
    assert!(server.wait().unwrap().success());
}

#[test]
fn a_handed_over_socket_turns_nobody_away() {
    let data = DataFolder::empty().unwrap();
    let listener = TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0))).unwrap();
    let address = listener.local_addr().unwrap();
    let mut server = start(&listener, &data);
    wait_until_serving(&mut server);
    let stop = Arc::new(AtomicBool::new(false));
    let answered = Arc::new(AtomicUsize::new(0));
    let clients: Vec<_> = (0..4)
        .map(|_| {
            let (stop, answered) = (Arc::clone(&stop), Arc::clone(&answered));
            std::thread::spawn(move || {
                while !stop.load(Ordering::Relaxed) {
                    let answer = send(address, &Request::get("/heartbeat")).unwrap();
                    assert_eq!(answer.status, 200);
                    answered.fetch_add(1, Ordering::Relaxed);
                }
            })
        })
        .collect();
    for _ in 0..5 {
        let before = answered.load(Ordering::Relaxed);
        let mut next = start(&listener, &data);
        wait_until_serving(&mut next);
        terminate(&mut server);
        server = next;
        let going_on = eventually(Duration::from_secs(10), || {
            let now = answered.load(Ordering::Relaxed);
            if now > before + 50 { Ok(()) } else { Err(now) }
        });
        going_on.unwrap();
    }
    stop.store(true, Ordering::Relaxed);
    for client in clients {
        client.join().expect("no client was turned away");
    }
    terminate(&mut server);
}

#[test]
fn a_second_process_may_listen_at_the_same_port_when_told() {
    let data = DataFolder::empty().unwrap();
    let launch = || {
        testkit::Launch::new(env!("CARGO_BIN_EXE_horde-model-reference"), data.cache_home())
            .env("HORDE_MODEL_REFERENCE_SOCKET_REUSE_PORT", "true")
    };
    let mut first = launch().start().unwrap();
    let second = launch().spawn(first.address().port()).unwrap().wait_until_ready().unwrap();
    first.terminate().unwrap();
    let answered = eventually(Duration::from_secs(10), || {
        let mut stream = TcpStream::connect(second.address()).map_err(|error| error.to_string())?;
        stream.write_all(b"GET /heartbeat HTTP/1.0\r\n\r\n").map_err(|error| error.to_string())?;
        let mut line = String::new();
        BufReader::new(stream).read_line(&mut line).map_err(|error| error.to_string())?;
        if line.contains("200") { Ok(()) } else { Err(line) }
    });
    answered.unwrap();
}
