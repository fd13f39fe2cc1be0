# shellcheck shell=bash disable=SC2034
# What the scripts in ci/ share: where the project is, what a machine lacks, and how to get it.
#
# Sourced, never run. Sets `root` (and goes there), `features` (flags for cargo) and the functions
# below. Installs only through apt, only where that needs no password, and only what is missing.

set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root"

# Administration tools are out of an ordinary user's path; rustup adds itself only to new shells.
PATH="$PATH:/usr/local/sbin:/usr/sbin:/sbin:${CARGO_HOME:-${HOME:-}/.cargo}/bin"
[[ -t 1 ]] || export CARGO_TERM_COLOR=never

# Flags that choose what is built; `prepare_build` may take the loop devices out.
features=()
target_dir=${CARGO_TARGET_DIR:-$root/target}

say() { printf '%s\n' "$*"; }

die() {
    printf '%s: %s\n' "${0##*/}" "$*" >&2
    exit 1
}

has() { command -v "$1" >/dev/null 2>&1; }

is_root() { [[ $(id -u) -eq 0 ]]; }

# Runs a command as root: directly, or by a sudo that asks nothing.
as_root() {
    if is_root; then
        "$@"
    elif has sudo && sudo -n true 2>/dev/null; then
        sudo -n "$@"
    else
        return 1
    fi
}

may_install() { has apt-get && as_root true; }

# install PACKAGE...: silent when it works; the log is shown when it does not.
install() {
    local log status=0
    may_install || return 1
    say "installing $* (apt)"
    log=$(mktemp)
    apt_get install --no-install-recommends "$@" >"$log" 2>&1 || {
        apt_get update >>"$log" 2>&1 && apt_get install --no-install-recommends "$@" >>"$log" 2>&1
    } || status=$?
    if ((status)); then
        say "apt could not install $*:"
        tail -n 20 "$log"
    fi
    rm -f "$log"
    return "$status"
}

apt_get() {
    as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -y -o DPkg::Lock::Timeout=300 "$@" \
        </dev/null
}

# Whether bindgen, which loopdev-3 needs at build time, will find a libclang.
has_libclang() {
    local dir dirs=()
    [[ -z ${LIBCLANG_PATH:-} ]] || return 0
    dirs=(/usr/lib/llvm-*/lib /usr/lib/*-linux-gnu /usr/lib64 /usr/lib /usr/local/lib)
    for dir in "${dirs[@]}"; do
        compgen -G "$dir/libclang.so*" >/dev/null && return 0
        compgen -G "$dir/libclang-*.so*" >/dev/null && return 0
    done
    return 1
}

# What every build needs. Without libclang the loop devices are left out, and that is said.
prepare_build() {
    has cargo || die "needs Rust: see https://rustup.rs, or the packages of your system"
    has cc || install gcc libc6-dev || die "needs a C compiler as linker: install gcc"
    [[ -e /usr/include/linux/loop.h ]] || install libc6-dev ||
        die "needs the C library's headers: install libc6-dev"
    # libclang1 is Debian's name for the release's own version.
    has_libclang || install libclang1 || install libclang1-14 || true
    if has_libclang; then
        features=()
    else
        features=(--no-default-features --features csi-stretch/mariadb)
        say "no libclang (Debian: libclang1): building without loop devices, memory only"
    fi
}

# The server of the engine `mariadb`, without the package that would make it a service.
prepare_mariadb() {
    is_root || return 0
    has mariadbd && has mariadb-install-db || install mariadb-server-core mariadb-client-core ||
        say "without mariadb-server-core: what needs a database server will be skipped by name"
}

# What the loop devices' file systems need. Only root can use them, so only root gets them.
prepare_filesystems() {
    local missing=()
    is_root || return 0
    has mkfs.ext4 && has resize2fs || missing+=(e2fsprogs)
    has mkfs.xfs && has xfs_growfs || missing+=(xfsprogs)
    has mkfs.btrfs || missing+=(btrfs-progs)
    has mount || missing+=(mount)
    has jq || missing+=(jq)
    ((${#missing[@]} == 0)) || install "${missing[@]}" ||
        say "without ${missing[*]}: the scenarios that need them will be skipped by name"
}
