//! The cache in Redis, measured against real servers. Prints one line of JSON for each figure.
//!
//! The first argument says what is measured, the second how often. Processes that only watch are this
//! program again, with arguments of their own.

mod bare;
mod cold;
mod reads;
mod repair;
mod seen;
mod stage;

fn main() {
    // What the runner of benchmarks adds is nothing to us.
    let words: Vec<String> = std::env::args().skip(1).filter(|word| word != "--bench").collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words[..] {
        ["watch", folder, port] => seen::watch(folder.as_ref(), port.parse().expect("a port")),
        ["subscribe", port] => bare::subscribe(port.parse().expect("a port")),
        [part, times] => measure(part, times.parse().expect("a number")),
        _ => panic!("which of seen, cold, reads and repair, and how often"),
    }
}

fn measure(part: &str, times: usize) {
    match part {
        "seen" => seen::measure(times),
        "cold" => cold::measure(times),
        "reads" => reads::measure(times),
        "repair" => repair::measure(times),
        _ => panic!("{part} is not measured here"),
    }
}
