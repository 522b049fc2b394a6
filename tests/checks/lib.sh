# What the checks share: saying what happens, and installing what is missing. To be sourced, with
# `logs` set to a directory for what is only shown when something fails.

target=wasm32-unknown-unknown

step() { printf '== %3ds  %s\n' "$SECONDS" "$*"; }
stop() { printf 'tests/run: %s\n' "$*" >&2; exit 1; }

# Says for the page of proof that a suite ran to its end over so many cases in so many seconds.
report() {
  [ -z "${EVENTFOLD_PROOF:-}" ] ||
    printf '{"suite":"%s","cases":%d,"seconds":%d}\n' "$@" >>"$EVENTFOLD_PROOF"
}

apt_install() {
  dpkg -s "$@" >/dev/null 2>&1 && return
  step "install by apt: $*"
  command -v apt-get >/dev/null || stop "missing, and there is no apt here: $*"
  local root=()
  [ "$(id -u)" = 0 ] || root=(sudo)
  # --no-remove: never at the price of a package that somebody chose.
  "${root[@]}" apt-get -qq update </dev/null
  "${root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-remove \
    --no-install-recommends "$@" </dev/null >"$logs/apt" 2>&1 ||
    { cat "$logs/apt" >&2; stop "apt could not install: $*"; }
}

need_tools() {
  command -v node >/dev/null || stop 'Node is missing: "apt-get install nodejs", or https://nodejs.org'
  command -v rustup >/dev/null || stop 'rustup is missing: https://rustup.rs'
  command -v cc >/dev/null || apt_install gcc libc6-dev
  local component
  for component in rustfmt clippy; do
    cargo "${component/rust/}" --version >/dev/null 2>&1 && continue
    step "install by rustup: $component"
    rustup component add "$component"
  done
}

# `wasm COMMAND …` is cargo for the wasm target.
wasm() { cargo "$1" --target "$target" "${@:2}"; }

need_wasm_target() {
  rustup target list --installed | grep -x "$target" >/dev/null && return
  step "install by rustup: the target $target"
  rustup target add "$target" >"$logs/rustup" 2>&1 && return
  step "no such target from rustup ($(grep -m1 '^error' "$logs/rustup" || true))"
  use_debian_toolchain
}

# Debian's compiler with the standard library built from Debian's source of it.
use_debian_toolchain() {
  apt_install rustc-web cargo-web rust-web-src rust-web-llvm rust-web-clippy
  apt_install "lld-$(/usr/bin/rustc -vV | sed -n 's/^LLVM version: \([0-9]*\).*/\1/p')"
  step "wasm is built by Debian's $(/usr/bin/rustc --version)"
  wasm() {
    PATH=/usr/bin:$PATH RUSTC_BOOTSTRAP=1 /usr/bin/cargo "$1" --target "$target" \
      -Zbuild-std=std,panic_abort "${@:2}"
  }
}

# The runner must be of exactly the version of the library.
need_wasm_runner() {
  local version root
  version=$(sed -n '/^name = "wasm-bindgen"$/{n;s/^version = "\(.*\)"$/\1/p;}' Cargo.lock)
  root=${XDG_CACHE_HOME:-$HOME/.cache}/eventfold/wasm-bindgen-$version
  export CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUNNER=$root/bin/wasm-bindgen-test-runner
  [ -x "$CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUNNER" ] && return
  step "install by cargo: wasm-bindgen-cli $version (a few minutes, once)"
  local install=(cargo install --quiet --root "$root" --version "$version" wasm-bindgen-cli)
  "${install[@]}" --locked && return
  # A registry that lags behind may lack a version that the tool's own lock file names.
  step "install by cargo: wasm-bindgen-cli $version, not with its own lock file"
  "${install[@]}"
}

# For the tests of the order of system calls.
need_strace() { command -v strace >/dev/null || apt_install strace; }

need_browser() {
  command -v chromedriver >/dev/null || apt_install chromium chromium-driver
  CHROMEDRIVER=$(command -v chromedriver)
  export CHROMEDRIVER WASM_BINDGEN_TEST_TIMEOUT=600 WASM_BINDGEN_TEST_DRIVER_TIMEOUT=60
}

# `need_npm DIR …`: what the package.json of each folder pins, unless it is there already.
need_npm() {
  local dir
  for dir; do
    cmp -s "$dir/package-lock.json" "$dir/node_modules/.installed" && continue
    step "install by npm: $dir"
    # Not `npm ci`, which refuses where the registry lacks a tool's builds for other systems.
    (cd "$dir" && npm install --no-save --no-audit --no-fund) >"$logs/npm" 2>&1 ||
      { cat "$logs/npm" >&2; stop "npm could not install what $dir/package-lock.json pins"; }
    cp "$dir/package-lock.json" "$dir/node_modules/.installed"
  done
}

# tests/js/conformance/module/: the conformance suite as a module for every runtime.
build_conformance() {
  need_wasm_target
  need_wasm_runner
  need_npm wasm
  wasm build --quiet -p eventfold-tests --example conformance
  node tests/js/conformance/build.js
}

# wasm/package/: the npm package, made anew when what it is made of has changed.
need_package() {
  need_wasm_target
  need_wasm_runner
  need_npm wasm
  local made=wasm/package/package.json newer=
  [ ! -e "$made" ] || newer=$(find Cargo.lock Cargo.toml core/{src,Cargo.toml} README.md CHANGELOG.md \
    wasm/{src,js,hosts,tabs,build,Cargo.toml,package.json} -newer "$made" -print -quit)
  [ -e "$made" ] && [ -z "$newer" ] && return
  step 'the npm package'
  node wasm/build/build.js
}
