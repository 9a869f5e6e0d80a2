// Nothing: CMake hangs the precompiled header on a target, and a target needs a source.
