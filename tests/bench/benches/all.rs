fn main() {
    eventfold_bench::main(env!("CARGO_TARGET_TMPDIR").as_ref());
}
