/* SPDX-License-Identifier: BSD-2-Clause */
/* Time, console, entropy, end: the timer, terminal and real-time clock sessions of a component. */

#include "platform.h"

namespace {

constexpr Rump::uint64_t MICROSECOND = 1000, SECOND = 1000000000;

Rump::Platform *instance;

/* Days from 1970 to a date of the Gregorian calendar. */
Rump::uint64_t days(unsigned year, unsigned month, unsigned day)
{
    static unsigned const before[] = {0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334};
    unsigned const last = month > 2 ? year : year - 1;      /* whose leap day has passed */

    return year * 365ull + last / 4 - last / 100 + last / 400 + before[(month - 1) % 12] + day - 719528;
}

}

void Rump::start(Genode::Env &env)
{
    static Platform platform(env);

    instance = &platform;
}

Rump::Platform &Rump::platform()
{
    return *instance;
}

Rump::Platform::Platform(Genode::Env &env)
    : _env(env), _wakeup(env.ep()), _timer(env), _terminal(env, "console"), _entropy(env, "entropy"), _rtc(env), _disk(env)
{
    _timer.sigh(_wakeup.handler);
    _entropy.read_avail_sigh(_wakeup.handler);
}

void Rump::Platform::halt(int status)
{
    _env.parent().exit(status);
    for (;;)                                /* the parent ends us while we wait */
        _env.ep().wait_and_dispatch_one_io_signal();
}

Rump::uint64_t Rump::Platform::monotonic() const
{
    return _timer.elapsed_us() * MICROSECOND;
}

Rump::uint64_t Rump::Platform::epoch_offset()
{
    Rtc::Timestamp const now = _rtc.current_time();
    uint64_t const seconds =
        ((days(now.year, now.month, now.day) * 24 + now.hour) * 60 + now.minute) * 60 + now.second;

    return seconds * SECOND + now.microsecond * MICROSECOND - monotonic();
}

void Rump::Platform::block_until(uint64_t time)
{
    for (uint64_t now = monotonic(); now < time; now = monotonic()) {
        _timer.trigger_once((time - now + MICROSECOND - 1) / MICROSECOND);
        _env.ep().wait_and_dispatch_one_io_signal();
    }
}

void Rump::Platform::console_write(char const *data, size_t length)
{
    for (size_t done = 0, taken = 1; done < length && taken; done += taken)
        taken = _terminal.write(data + done, length - done);
}

void Rump::Platform::entropy(char *data, size_t length)
{
    for (size_t done = 0; done < length;) {
        size_t const got = _entropy.read(data + done, length - done);

        if (!got)
            _env.ep().wait_and_dispatch_one_io_signal();
        done += got;
    }
}
