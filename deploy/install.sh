#!/bin/sh
# Installs Tributary as a systemd service, or brings an installed one up to date. Running it again
# changes nothing that is right already: a configuration that exists is left as it is.
set -eu

usage() {
  cat <<'USAGE'
Usage: deploy/install.sh [--binary FILE] [--no-start] [--dry-run]
       deploy/install.sh --uninstall [--dry-run]

  --binary FILE  the executable to install (default: dist/tributary-linux-<this machine's kind>)
  --no-start     install, but neither enable nor start the service
  --uninstall    stop the service, remove program and unit; configuration and data stay
  --dry-run      say what would be done, and do nothing

With DESTDIR=/some/folder in the environment everything goes below that folder, and neither users
nor services are touched.
USAGE
}

fail() {
  echo "install.sh: $*" >&2
  exit 1
}

here=$(CDPATH='' cd -- "$(dirname "$0")" && pwd -P)
DESTDIR=${DESTDIR:-}
program=$DESTDIR/usr/local/bin/tributary
unit=$DESTDIR/etc/systemd/system/tributary.service
config_folder=$DESTDIR/etc/tributary
config=$config_folder/tributary.yaml
doc_folder=$DESTDIR/usr/local/share/doc/tributary

binary=
action=install
start=yes
dry_run=no
while [ $# -gt 0 ]; do
  case "$1" in
    --binary)
      [ $# -ge 2 ] || fail "--binary needs a file"
      binary=$2
      shift
      ;;
    --no-start) start=no ;;
    --uninstall) action=uninstall ;;
    --dry-run) dry_run=yes ;;
    -h | --help)
      usage
      exit 0
      ;;
    *)
      usage >&2
      fail "there is no option $1"
      ;;
  esac
  shift
done

# Does it, or says it.
run() {
  if [ "$dry_run" = yes ]; then
    echo "would run: $*"
  else
    "$@"
  fi
}

tell() {
  if [ "$dry_run" = yes ]; then echo "Nothing was done."; else echo "$*"; fi
}

# Only on the machine itself, never below DESTDIR.
on_system() {
  if [ -z "$DESTDIR" ]; then run "$@"; fi
}

may_write() {
  if [ "$dry_run" = no ] && [ -z "$DESTDIR" ] && [ "$(id -u)" -ne 0 ]; then
    fail "this needs root: run it with sudo, or with --dry-run to see what it does"
  fi
}

default_binary() {
  case "$(uname -m)" in
    x86_64) echo "$here/../dist/tributary-linux-x64" ;;
    aarch64) echo "$here/../dist/tributary-linux-arm64" ;;
    *) fail "no executable is made for $(uname -m); give one with --binary" ;;
  esac
}

# Writes a file only where it differs; remembers that the service must be restarted.
changed=no
put() {
  if [ -e "$3" ] && cmp -s "$2" "$3"; then return; fi
  changed=yes
  run install -D -m "$1" "$2" "$3.new"
  run mv -f "$3.new" "$3"
}

# README and the pages it names, as far as they were brought along; no reason for a restart.
put_documents() {
  changed_before=$changed
  for page in "$here"/../README.md "$here"/../docs/*.md; do
    if [ -f "$page" ]; then put 0644 "$page" "$doc_folder/${page#"$here"/../}"; fi
  done
  changed=$changed_before
}

install_all() {
  if [ -z "$binary" ]; then binary=$(default_binary); fi
  [ -f "$binary" ] || fail "there is no $binary: make it with 'npm run package'"
  may_write

  if [ -z "$DESTDIR" ] && ! getent passwd tributary >/dev/null; then
    run useradd --system --user-group --home-dir /var/lib/tributary --no-create-home \
      --shell /usr/sbin/nologin tributary
  fi

  put 0755 "$binary" "$program"
  put 0644 "$here/systemd/tributary.service" "$unit"
  put_documents

  run install -d -m 0755 "$config_folder"
  if [ ! -e "$config" ]; then put 0644 "$here/tributary.yaml" "$config"; fi

  on_system systemctl daemon-reload
  if [ "$start" = yes ]; then
    on_system systemctl enable --quiet tributary
    # A restart only for a reason: it is short, but devices notice.
    if [ "$changed" = yes ]; then
      on_system systemctl restart tributary
    else
      on_system systemctl start tributary
    fi
  fi
  tell "Tributary is installed: program $program, configuration $config"
}

uninstall() {
  may_write
  if [ -e "$unit" ]; then on_system systemctl disable --now --quiet tributary; fi
  run rm -f "$unit" "$program"
  run rm -rf "$doc_folder" "$DESTDIR/var/cache/tributary"
  on_system systemctl daemon-reload
  tell "Tributary is removed. Kept: $config_folder and $DESTDIR/var/lib/tributary (the data)."
}

case "$action" in
  install) install_all ;;
  uninstall) uninstall ;;
esac
