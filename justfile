# Verbs of this repository. `just` is a convenience: each recipe is a plain command that works without it.

# `--bin gristmill` without `-p`: features are resolved for the whole workspace, as in `cargo test`, so that
# nothing is built twice.

# list the verbs
default:
    @just --list

# fmt and clippy, as the gate runs them
check:
    cargo fmt --all --check
    cargo clippy --workspace --all-targets --locked -- -D warnings

# every test, or those that match the arguments: just test split
test *args:
    cargo test --workspace --locked {{ args }}

# a training set out of generated TPC-H data
demo *args:
    cargo run --release --locked --bin gristmill -- demo {{ args }}

# benchmarks: just bench --help
bench *args:
    cargo run --release --locked -p benches -- {{ args }}

# the gate: what must pass before a change lands
ci:
    .ci/run

# a whole cluster on loopback: just cluster 4
cluster executors="2":
    cargo run --release --locked --bin gristmill -- cluster --executors {{ executors }}

# API documentation of our own crates
doc *args:
    cargo doc --workspace --no-deps --locked {{ args }}

# licences, advisories, duplicate versions (needs cargo-deny)
deny:
    cargo deny check
