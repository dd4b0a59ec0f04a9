#!/bin/sh
# The first and only program of the guest: mounts the disk that will lose its power, and runs the
# load on it. The root file system is the host's own (hostfs), so Node and the checkout are there.
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t tmpfs tmpfs /run
mkdir -p /run/disk
mount -t ext4 /dev/ubda /run/disk || { echo "GUEST: the disk cannot be mounted"; exec sleep 3600; }
ip link set lo up
echo "GUEST: up"
"$power_node" "$power_program" /run/disk/data "$power_journal"
echo "GUEST: the load ended ($?)"
exec sleep 3600
