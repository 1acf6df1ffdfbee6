#!/bin/sh
# bare-image.sh <folder> <node> <project> <command and arguments of node...>
#
# Runs node as the first process of what a container image holds that has nothing
# but node, its libraries and this project: no shell, no /tmp, nothing that can be
# written to, and a user without any rights. Needs a mount namespace of its own:
# unshare --mount --pid --fork.
set -e
folder=$1 node=$2 project=$3
shift 3
mount -t tmpfs bare "$folder"
for file in "$node" $(ldd "$node" | grep -o '/[^ ]*'); do
  mkdir -p "$folder$(dirname "$file")"
  : > "$folder$file"
  mount --bind "$file" "$folder$file"
done
mkdir -p "$folder/proc" "$folder$project"
mount -t proc proc "$folder/proc"
mount --bind "$project" "$folder$project"
mount -o remount,bind,ro "$folder$project"
mount -o remount,ro "$folder"
exec chroot --userspec=65534:65534 "$folder" "$node" "$@"
