# Cross-compiles for 64-bit Arm on Debian (g++-aarch64-linux-gnu) and runs under emulation (qemu-user).
# The packages that we use are headers only, and are found where the build machine has them: so the
# search is not restricted to the target's folders.
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR aarch64)
set(CMAKE_CXX_COMPILER aarch64-linux-gnu-g++)
set(CMAKE_CROSSCOMPILING_EMULATOR qemu-aarch64 -L /usr/aarch64-linux-gnu)
