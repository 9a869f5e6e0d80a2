#pragma once
// Which sanitizers watch this suite, as 0 or 1: for what takes too long with them, or what they do
// themselves.

#if defined(__SANITIZE_ADDRESS__)  // so says g++
#define COURSE_ADDRESS_SANITIZER 1
#elif defined(__has_feature)  // and clang is asked
#if __has_feature(address_sanitizer)
#define COURSE_ADDRESS_SANITIZER 1
#endif
#endif
#ifndef COURSE_ADDRESS_SANITIZER
#define COURSE_ADDRESS_SANITIZER 0
#endif

#if defined(__SANITIZE_THREAD__)
#define COURSE_THREAD_SANITIZER 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define COURSE_THREAD_SANITIZER 1
#endif
#endif
#ifndef COURSE_THREAD_SANITIZER
#define COURSE_THREAD_SANITIZER 0
#endif
