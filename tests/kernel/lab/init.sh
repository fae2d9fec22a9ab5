#!/busybox sh
# The first program of the lab's kernel: lays a layer in memory over the host's files, and runs a command there.
# Terminals: ttyS0 what the command says, ttyS1 what the kernel says, ttyS2 the command's exit status.

/busybox --install -s /bin
mount -t devtmpfs dev /dev
exec </dev/null >/dev/ttyS0 2>&1

end() {
  echo "$1" >/dev/ttyS2
  poweroff -f
}

set -e
trap 'end 125' EXIT

mount -t proc proc /proc
. /load
. /job

mount -t 9p -o ro,trans=virtio,version=9p2000.L,cache=loose,msize=524288 host /host
mount -t tmpfs above /above
mkdir /above/files /above/work
mount -t overlay -o lowerdir=/host,upperdir=/above/files,workdir=/above/work overlay /root

mount -t devtmpfs dev /root/dev
mount -t proc proc /root/proc
mount -t sysfs sys /root/sys
mount -t configfs configfs /root/sys/kernel/config
mount -t tmpfs run /root/run
mkdir /root/dev/pts /root/dev/shm
mount -t devpts devpts /root/dev/pts
mount -t tmpfs -o mode=1777 shm /root/dev/shm
ip link set lo up

# Else udev's tools do nothing below a changed root.
export SYSTEMD_IGNORE_CHROOT=1
# udev's own files, into the host's (there `/lib` may be a link).
for directory in bin etc lib; do
  cp -a "/root$UDEV/$directory/." "/root/$directory/"
done
# The group that udev's installation makes.
grep -q ^input: /root/etc/group || echo input:x:990: >>/root/etc/group
chroot /root /lib/systemd/systemd-udevd --daemon
chroot /root udevadm trigger --subsystem-match=input --subsystem-match=tty --subsystem-match=misc --subsystem-match=graphics --action=add
chroot /root udevadm settle --timeout=20

status=0
chroot /root /bin/sh -c "$COMMAND" || status=$?
trap - EXIT
end "$status"
