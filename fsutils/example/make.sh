#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Makes disk.img.xz, the image that `fsu example` writes: a GPT disk with an EFI system partition (FAT12) and a root
# partition (ext4).  Needs e2fsprogs, dosfstools, mtools, gdisk, xz.  The same input gives the same bytes.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
export TZ=UTC LC_ALL=C SOURCE_DATE_EPOCH=1700000000 E2FSPROGS_FAKE_TIME=1700000000

mkdir -p root/etc root/home/ada root/usr/bin root/var/log
printf 'example\n' > root/etc/hostname
printf 'root:x:0:0:root:/root:/bin/sh\nada:x:1000:1000:Ada:/home/ada:/bin/sh\n' > root/etc/passwd
printf 'root:x:0:\nada:x:1000:\n' > root/etc/group
printf 'NAME="Example"\nVERSION="1"\n' > root/etc/os-release
ln -s ../etc/os-release root/usr/os-release
ln -s /etc/hostname root/home/ada/where
printf '#!/bin/sh\necho "hello from inside an image"\n' > root/usr/bin/hello
chmod 755 root/usr/bin/hello
ln root/usr/bin/hello root/usr/bin/hi
printf 'Dear reader,\n\nthis file lives in an ext4 file system, in a partition, in a disk image.\n' > root/home/ada/letter.txt
truncate -s 300K root/var/log/sparse.log
printf 'the end\n' >> root/var/log/sparse.log
find root -exec touch -h -d @1700000000 {} +

truncate -s 1M root.img
mke2fs -q -t ext4 -b 1024 -I 256 -N 64 -O ^has_journal,^resize_inode -E hash_seed=00000000-0000-4000-8000-0000000000aa \
    -U 00000000-0000-4000-8000-000000000001 -L rootfs -d root root.img
{
    for path in / /etc /home /usr /usr/bin /var /var/log /etc/hostname /etc/passwd /etc/group /etc/os-release \
        /usr/os-release /usr/bin/hello /var/log/sparse.log; do
        echo "set_inode_field $path uid 0"
        echo "set_inode_field $path gid 0"
    done
    for path in /home/ada /home/ada/letter.txt /home/ada/where; do
        echo "set_inode_field $path uid 1000"
        echo "set_inode_field $path gid 1000"
    done
    for path in / /etc /home /home/ada /usr /usr/bin /var /var/log /lost+found /etc/hostname /etc/passwd /etc/group \
        /etc/os-release /usr/os-release /usr/bin/hello /var/log/sparse.log /home/ada/letter.txt /home/ada/where; do
        for field in atime mtime ctime crtime; do echo "set_inode_field $path $field @1700000000"; done
    done
    echo "ea_set /home/ada/letter.txt user.mood cheerful"
    echo "mknod null c 1 3"
} > commands
debugfs -w -f commands root.img > /dev/null 2>&1
e2fsck -fn root.img > /dev/null

truncate -s 512K esp.img
mkfs.fat --invariant -F 12 -i 12345678 -n ESP esp.img > /dev/null
printf 'this is where a boot loader would be\n' > bootx64.efi
touch -d @1700000000 bootx64.efi
mmd -i esp.img ::/EFI ::/EFI/BOOT
mcopy -m -i esp.img bootx64.efi ::/EFI/BOOT/BOOTX64.EFI

truncate -s 2M disk.img
sgdisk -a 8 -U 00000000-0000-4000-8000-00000000000f \
    -n 1:64:+512K -t 1:ef00 -c 1:efi -u 1:00000000-0000-4000-8000-0000000000e1 \
    -n 2:1088:+1M -t 2:8300 -c 2:root -u 2:00000000-0000-4000-8000-0000000000e2 disk.img > /dev/null
dd if=esp.img of=disk.img bs=512 seek=64 conv=notrunc,sparse status=none
dd if=root.img of=disk.img bs=512 seek=1088 conv=notrunc,sparse status=none
xz -9e --check=crc32 -c disk.img > "$here/disk.img.xz"
ls -l "$here/disk.img.xz"
