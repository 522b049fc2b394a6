//! The log linked for wasm with nothing under it: no `std`, no host, no JS. `tests/run` builds
//! it, sees that the module imports nothing, and calls [`run`].
#![cfg(target_arch = "wasm32")]
#![no_std]

use core::panic::PanicInfo;

use eventfold_core::{Access, Codec, Durability, Error, Event, MemoryStore, Scan, Source, Writer};

#[global_allocator]
static ALLOCATOR: dlmalloc::GlobalDlmalloc = dlmalloc::GlobalDlmalloc;

/// `std` has one too, so this does not compile if a dependency links `std`.
#[panic_handler]
fn panic(_: &PanicInfo<'_>) -> ! {
    core::arch::wasm32::unreachable()
}

/// Appends, rotates, appends, reopens and reads; returns how many events came back.
#[unsafe(no_mangle)]
#[expect(unsafe_code, reason = "an export needs its name as it is")]
pub extern "C" fn run() -> u32 {
    write_and_read().unwrap_or(0)
}

fn write_and_read() -> Result<u32, Error<<MemoryStore as Source>::Error>> {
    let (mut writer, _) = Writer::open(MemoryStore::new(), Codec::PORTABLE, Access::Exclusive)?;
    for n in 0..1000_u32 {
        writer.append(&Event::at(u64::from(n), "counted", n), Durability::Synced)?;
        if n == 500 {
            writer.rotate()?;
        }
    }
    let store = writer.store().clone();
    let (writer, _) = Writer::open(store, Codec::PORTABLE, Access::Exclusive)?;
    let mut scan = Scan::new(writer.store(), Codec::PORTABLE, 0);
    let mut count = 0;
    while let Some(record) = scan.next_record::<u32>()? {
        if record.event.data != count {
            return Ok(0);
        }
        count += 1;
    }
    Ok(count)
}
