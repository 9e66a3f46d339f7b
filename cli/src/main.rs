//! The `gristmill` executable: arguments → configuration → run → exit code, all of it in the library.

use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    gristmill::main_with(std::env::args_os())
}
