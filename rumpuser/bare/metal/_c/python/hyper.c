/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The module _hyper: the machine, for Python.  Documented in ../../../_hyper.pyi.  The interpreter runs in ring 0 where
 * addresses are physical, so most functions are one instruction; the others are system calls of the kernel's own.
 */

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <errno.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "../hyper.h"
#include "../machine.h"

static int bad_width(int width)
{
    PyErr_Format(PyExc_ValueError, "a width of %d bytes", width);
    return 0;
}

static PyObject *port_in(PyObject *self, PyObject *arguments)
{
    unsigned short port;
    int width;

    if (!PyArg_ParseTuple(arguments, "Hi", &port, &width))
        return NULL;
    switch (width) {
    case 1:
        return PyLong_FromUnsignedLong(inb(port));
    case 2:
        return PyLong_FromUnsignedLong(inw(port));
    case 4:
        return PyLong_FromUnsignedLong(inl(port));
    }
    bad_width(width);
    return NULL;
}

static PyObject *port_out(PyObject *self, PyObject *arguments)
{
    unsigned short port;
    int width;
    unsigned int value;

    if (!PyArg_ParseTuple(arguments, "HiI", &port, &width, &value))
        return NULL;
    switch (width) {
    case 1:
        outb(port, (u8)value);
        Py_RETURN_NONE;
    case 2:
        outw(port, (u16)value);
        Py_RETURN_NONE;
    case 4:
        outl(port, value);
        Py_RETURN_NONE;
    }
    bad_width(width);
    return NULL;
}

static PyObject *load(PyObject *self, PyObject *arguments)
{
    unsigned long address;
    int width;

    if (!PyArg_ParseTuple(arguments, "ki", &address, &width))
        return NULL;
    switch (width) {
    case 1:
        return PyLong_FromUnsignedLong(*(volatile u8 *)address);
    case 2:
        return PyLong_FromUnsignedLong(*(volatile u16 *)address);
    case 4:
        return PyLong_FromUnsignedLong(*(volatile u32 *)address);
    case 8:
        return PyLong_FromUnsignedLong(*(volatile u64 *)address);
    }
    bad_width(width);
    return NULL;
}

static PyObject *store(PyObject *self, PyObject *arguments)
{
    unsigned long address, value;
    int width;

    if (!PyArg_ParseTuple(arguments, "kik", &address, &width, &value))
        return NULL;
    switch (width) {
    case 1:
        *(volatile u8 *)address = (u8)value;
        Py_RETURN_NONE;
    case 2:
        *(volatile u16 *)address = (u16)value;
        Py_RETURN_NONE;
    case 4:
        *(volatile u32 *)address = (u32)value;
        Py_RETURN_NONE;
    case 8:
        *(volatile u64 *)address = value;
        Py_RETURN_NONE;
    }
    bad_width(width);
    return NULL;
}

static PyObject *compare_exchange(PyObject *self, PyObject *arguments)
{
    unsigned long address;
    unsigned int old, new;

    if (!PyArg_ParseTuple(arguments, "kII", &address, &old, &new))
        return NULL;
    __atomic_compare_exchange_n((u32 *)address, &old, new, 0, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
    return PyLong_FromUnsignedLong(old);
}

static PyObject *barrier(PyObject *self, PyObject *nothing)
{
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    Py_RETURN_NONE;
}

static PyObject *view(PyObject *self, PyObject *arguments)
{
    unsigned long address;
    Py_ssize_t length;

    if (!PyArg_ParseTuple(arguments, "kn", &address, &length))
        return NULL;
    return PyMemoryView_FromMemory((char *)address, length, PyBUF_WRITE);
}

static PyObject *physical(PyObject *self, PyObject *object)
{
    Py_buffer buffer;
    PyObject *address;

    if (PyObject_GetBuffer(object, &buffer, PyBUF_SIMPLE))
        return NULL;
    address = PyLong_FromVoidPtr(buffer.buf);
    PyBuffer_Release(&buffer);
    return address;
}

static PyObject *pages(PyObject *self, PyObject *argument)
{
    unsigned long count = PyLong_AsUnsignedLong(argument), address;

    if (PyErr_Occurred())
        return NULL;
    address = (unsigned long)syscall(HYPER_PAGES, count);
    return address ? PyLong_FromUnsignedLong(address) : PyErr_NoMemory();
}

static PyObject *pages_free(PyObject *self, PyObject *arguments)
{
    unsigned long address, count;

    if (!PyArg_ParseTuple(arguments, "kk", &address, &count))
        return NULL;
    syscall(HYPER_PAGES_FREE, address, count);
    Py_RETURN_NONE;
}

static PyObject *device_map(PyObject *self, PyObject *arguments)
{
    unsigned long address, length;

    if (!PyArg_ParseTuple(arguments, "kk", &address, &length))
        return NULL;
    if (syscall(HYPER_DEVICE_MAP, address, length))
        return PyErr_SetFromErrno(PyExc_OSError);
    Py_RETURN_NONE;
}

static PyObject *processor_id(PyObject *self, PyObject *arguments)
{
    unsigned int leaf, subleaf = 0;
    u32 words[4];

    if (!PyArg_ParseTuple(arguments, "I|I", &leaf, &subleaf))
        return NULL;
    cpuid(leaf, subleaf, words);
    return Py_BuildValue("(IIII)", words[0], words[1], words[2], words[3]);
}

static PyObject *read_msr(PyObject *self, PyObject *argument)
{
    unsigned long number = PyLong_AsUnsignedLong(argument);

    return PyErr_Occurred() ? NULL : PyLong_FromUnsignedLong(rdmsr((u32)number));
}

static PyObject *write_msr(PyObject *self, PyObject *arguments)
{
    unsigned int number;
    unsigned long value;

    if (!PyArg_ParseTuple(arguments, "Ik", &number, &value))
        return NULL;
    wrmsr(number, value);
    Py_RETURN_NONE;
}

static PyObject *timestamp(PyObject *self, PyObject *nothing)
{
    return PyLong_FromUnsignedLong(rdtsc());
}

static PyObject *monotonic(PyObject *self, PyObject *nothing)
{
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    return PyLong_FromLong(time.tv_sec * 1000000000 + time.tv_nsec);
}

static PyObject *epoch_offset(PyObject *self, PyObject *nothing)
{
    struct hyper_information information;

    syscall(HYPER_INFORMATION, &information);
    return PyLong_FromUnsignedLong(information.epoch);
}

static PyObject *wait(PyObject *self, PyObject *arguments)
{
    long until, seen = -1, interrupts;

    if (!PyArg_ParseTuple(arguments, "l|l", &until, &seen))
        return NULL;
    Py_BEGIN_ALLOW_THREADS
    interrupts = syscall(HYPER_WAIT, until < 0 ? 0 : until, seen);
    Py_END_ALLOW_THREADS
    return PyLong_FromLong(interrupts);
}

static PyObject *interrupts(PyObject *self, PyObject *nothing)
{
    return PyLong_FromLong(syscall(HYPER_INTERRUPTS));
}

static PyObject *interrupt_vector(PyObject *self, PyObject *nothing)
{
    long vector = syscall(HYPER_VECTOR);

    return vector < 0 ? PyErr_SetFromErrno(PyExc_OSError) : PyLong_FromLong(vector);
}

static PyObject *hypercall(PyObject *self, PyObject *arguments)
{
    unsigned long words[6] = {0};
    Py_ssize_t count = PyTuple_GET_SIZE(arguments);

    if (count < 1 || count > 6) {
        PyErr_SetString(PyExc_TypeError, "a number and at most five arguments");
        return NULL;
    }
    for (Py_ssize_t i = 0; i < count; i++) {
        words[i] = PyLong_AsUnsignedLongMask(PyTuple_GET_ITEM(arguments, i));
        if (PyErr_Occurred())
            return NULL;
    }
    /* Not by libc's syscall(): it takes small negative results for errors of its own. */
    register unsigned long r10 __asm__("r10") = words[3], r8 __asm__("r8") = words[4], r9 __asm__("r9") = words[5];
    long result;
    __asm__ volatile("syscall"
        : "=a"(result)
        : "0"((long)HYPER_HYPERCALL), "D"(words[0]), "S"(words[1]), "d"(words[2]), "r"(r10), "r"(r8), "r"(r9)
        : "rcx", "r11", "memory");
    return PyLong_FromLong(result);
}

static PyObject *random_bytes(PyObject *self, PyObject *argument)
{
    Py_ssize_t length = PyLong_AsSsize_t(argument);
    PyObject *bytes = length == -1 && PyErr_Occurred() ? NULL : PyBytes_FromStringAndSize(NULL, length);

    if (bytes)
        syscall(SYS_getrandom, PyBytes_AS_STRING(bytes), length, 0);
    return bytes;
}

static PyObject *random_add(PyObject *self, PyObject *arguments)
{
    Py_buffer data;

    if (!PyArg_ParseTuple(arguments, "y*", &data))
        return NULL;
    syscall(HYPER_RANDOM_ADD, data.buf, data.len);
    PyBuffer_Release(&data);
    Py_RETURN_NONE;
}

static PyObject *console_write(PyObject *self, PyObject *arguments)
{
    Py_buffer data;
    Py_ssize_t done = 0;

    if (!PyArg_ParseTuple(arguments, "y*", &data))
        return NULL;
    while (done < data.len) {
        ssize_t part = write(STDOUT_FILENO, (char *)data.buf + done, (size_t)(data.len - done));

        if (part < 0)
            break;
        done += part;
    }
    PyBuffer_Release(&data);
    if (done < data.len)
        return PyErr_SetFromErrno(PyExc_OSError);
    Py_RETURN_NONE;
}

static PyObject *console_read(PyObject *self, PyObject *arguments)
{
    Py_ssize_t length;
    long until, count;
    PyObject *bytes;

    if (!PyArg_ParseTuple(arguments, "nl", &length, &until))
        return NULL;
    bytes = PyBytes_FromStringAndSize(NULL, length);
    if (!bytes)
        return NULL;
    Py_BEGIN_ALLOW_THREADS
    count = syscall(HYPER_CONSOLE_READ, PyBytes_AS_STRING(bytes), length, until < 0 ? 0 : until);
    Py_END_ALLOW_THREADS
    _PyBytes_Resize(&bytes, count);
    return bytes;
}

static PyObject *halt(PyObject *self, PyObject *argument)
{
    int status = (int)PyLong_AsLong(argument);

    if (PyErr_Occurred())
        return NULL;
    _exit(status);
}

static PyMethodDef functions[] = {
    {"barrier", barrier, METH_NOARGS, NULL},
    {"compare_exchange", compare_exchange, METH_VARARGS, NULL},
    {"console_read", console_read, METH_VARARGS, NULL},
    {"console_write", console_write, METH_VARARGS, NULL},
    {"cpuid", processor_id, METH_VARARGS, NULL},
    {"device_map", device_map, METH_VARARGS, NULL},
    {"epoch_offset", epoch_offset, METH_NOARGS, NULL},
    {"halt", halt, METH_O, NULL},
    {"hypercall", hypercall, METH_VARARGS, NULL},
    {"interrupt_vector", interrupt_vector, METH_NOARGS, NULL},
    {"interrupts", interrupts, METH_NOARGS, NULL},
    {"load", load, METH_VARARGS, NULL},
    {"monotonic", monotonic, METH_NOARGS, NULL},
    {"pages", pages, METH_O, NULL},
    {"pages_free", pages_free, METH_VARARGS, NULL},
    {"physical", physical, METH_O, NULL},
    {"port_in", port_in, METH_VARARGS, NULL},
    {"port_out", port_out, METH_VARARGS, NULL},
    {"random", random_bytes, METH_O, NULL},
    {"random_add", random_add, METH_VARARGS, NULL},
    {"read_msr", read_msr, METH_O, NULL},
    {"store", store, METH_VARARGS, NULL},
    {"timestamp", timestamp, METH_NOARGS, NULL},
    {"view", view, METH_VARARGS, NULL},
    {"wait", wait, METH_VARARGS, NULL},
    {"write_msr", write_msr, METH_VARARGS, NULL},
    {NULL, NULL, 0, NULL},
};

static PyObject *modules(const struct hyper_information *information)
{
    PyObject *tuple = PyTuple_New((Py_ssize_t)information->module_count);

    for (unsigned long i = 0; tuple && i < information->module_count; i++) {
        const struct hyper_module *module = &information->modules[i];
        PyObject *entry = Py_BuildValue("(kky)", module->address, module->length, module->line);

        if (entry)
            PyTuple_SET_ITEM(tuple, (Py_ssize_t)i, entry);
        else
            Py_CLEAR(tuple);
    }
    return tuple;
}

static int add(PyObject *module, const char *name, PyObject *value)
{
    int failed = !value || PyModule_AddObjectRef(module, name, value);

    Py_XDECREF(value);
    return failed;
}

static int fill(PyObject *module)
{
    struct hyper_information information;

    if (syscall(HYPER_INFORMATION, &information)) {
        PyErr_SetString(PyExc_ImportError, "this is not the kernel that _hyper is for");
        return -1;
    }
    return add(module, "MACHINE", PyUnicode_FromString(information.machine)) ||
            add(module, "COMMAND_LINE", PyBytes_FromString(information.line)) ||
            add(module, "MODULES", modules(&information)) ||
            add(module, "MEMORY", PyLong_FromUnsignedLong(information.memory)) ||
            add(module, "TSC_HZ", PyLong_FromUnsignedLong(information.tsc_hz)) ||
            add(module, "RSDP", PyLong_FromUnsignedLong(information.rsdp)) ||
            add(module, "SHARED_INFO", PyLong_FromUnsignedLong(information.shared_info)) ||
            add(module, "START_INFO", PyLong_FromUnsignedLong(information.start_info)) ||
            add(module, "PAGE_SIZE", PyLong_FromLong(4096)) ? -1 : 0;
}

static PyModuleDef_Slot slots[] = {{Py_mod_exec, fill}, {0, NULL}};
static PyModuleDef definition = {PyModuleDef_HEAD_INIT, "_hyper", NULL, 0, functions, slots, NULL, NULL, NULL};

PyMODINIT_FUNC PyInit__hyper(void);
PyMODINIT_FUNC PyInit__hyper(void)
{
    return PyModuleDef_Init(&definition);
}
