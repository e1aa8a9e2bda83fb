# What is done every day. Each line is short enough to be typed by hand instead.

.PHONY: run test prove prove-queue bench bench-quick fmt lint setup

# The service on http://127.0.0.1:19800, with data below ./models.
run:
	@scripts/run

# All tests; what they need besides a compiler is installed first.
test: setup
	cargo test --workspace --locked

# Proves the files, and the Redis beside them, under faults until it is stopped or a promise is broken;
# the seed is printed. With PROVE="--seconds 600 --faults kill,older" for so long, with those, and
# without Redis.
PROVE ?= --redis
prove:
	cargo run --package prove --release --locked -- run $(PROVE)

# The same for the queue over HTTP: servers are killed while clients propose, decide and apply. With
# PROVE_QUEUE="--seconds 600 --seed 7" for so long, as that seed decides.
PROVE_QUEUE ?=
prove-queue:
	cargo build --package horde-model-reference-server --release --locked
	cargo run --package prove --release --locked -- queue $(PROVE_QUEUE)

# Measures against nginx and the released reference, and writes docs/benchmarks.md; half an hour on a
# machine that does nothing else. The quick one shows in minutes that it runs.
bench:
	@scripts/setup-bench
	@bench/run.py

bench-quick:
	@scripts/setup-bench
	@bench/run.py --quick

# Edits.
fmt:
	cargo fmt --all

# Never edits.
lint:
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --all-features --locked -- -D warnings
	cargo clippy --package horde-model-reference --no-default-features --locked -- -D warnings
	RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --all-features --locked

setup:
	@scripts/setup-test
