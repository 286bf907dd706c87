"""Makes the disk images and the ramdisk OS that the machines boot, without mounting anything."""
