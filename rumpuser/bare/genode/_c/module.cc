/* SPDX-License-Identifier: BSD-2-Clause */
/* The module _genode, built into the interpreter of a Genode component: rumpuser/bare/genode/_genode.pyi says what it has. */

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include "platform.h"

namespace {

using Rump::platform;

/* A disk's transfer, without the interpreter's lock. */
template <typename CALL> PyObject *transfer(Py_buffer *view, CALL const &call)
{
    bool done;

    Py_BEGIN_ALLOW_THREADS
    done = call((char *)view->buf, (Rump::size_t)view->len);
    Py_END_ALLOW_THREADS
    PyBuffer_Release(view);
    return PyBool_FromLong(done);
}

PyObject *read(PyObject *, PyObject *arguments)
{
    Py_buffer view;
    unsigned long long offset;

    if (!PyArg_ParseTuple(arguments, "w*K", &view, &offset))
        return nullptr;
    return transfer(&view, [&](char *data, Rump::size_t length) { return platform().disk().read(data, offset, length); });
}

PyObject *write(PyObject *, PyObject *arguments)
{
    Py_buffer view;
    unsigned long long offset;

    if (!PyArg_ParseTuple(arguments, "y*K", &view, &offset))
        return nullptr;
    return transfer(&view, [&](char *data, Rump::size_t length) { return platform().disk().write(data, offset, length); });
}

PyObject *sync(PyObject *, PyObject *)
{
    bool done;

    Py_BEGIN_ALLOW_THREADS
    done = platform().disk().sync();
    Py_END_ALLOW_THREADS
    return PyBool_FromLong(done);
}

PyObject *discard(PyObject *, PyObject *arguments)
{
    unsigned long long offset, length;
    bool done;

    if (!PyArg_ParseTuple(arguments, "KK", &offset, &length))
        return nullptr;
    Py_BEGIN_ALLOW_THREADS
    done = platform().disk().discard(offset, length);
    Py_END_ALLOW_THREADS
    return PyBool_FromLong(done);
}

PyObject *disk(PyObject *, PyObject *)
{
    Rump::Disk &disk = platform().disk();

    return Py_BuildValue("KkO", (unsigned long long)disk.size(), disk.sector(), disk.read_only() ? Py_True : Py_False);
}

PyObject *monotonic(PyObject *, PyObject *)
{
    return PyLong_FromUnsignedLongLong(platform().monotonic());
}

PyObject *epoch_offset(PyObject *, PyObject *)
{
    return PyLong_FromLongLong((long long)platform().epoch_offset());
}

PyObject *block_until(PyObject *, PyObject *time)
{
    unsigned long long const until = PyLong_AsUnsignedLongLong(time);

    if (PyErr_Occurred())
        return nullptr;
    Py_BEGIN_ALLOW_THREADS
    platform().block_until(until);
    Py_END_ALLOW_THREADS
    Py_RETURN_NONE;
}

PyObject *console_write(PyObject *, PyObject *data)
{
    Py_buffer view;

    if (PyObject_GetBuffer(data, &view, PyBUF_SIMPLE))
        return nullptr;
    platform().console_write((char const *)view.buf, (Rump::size_t)view.len);
    PyBuffer_Release(&view);
    Py_RETURN_NONE;
}

PyObject *entropy(PyObject *, PyObject *wanted)
{
    Py_ssize_t const length = PyLong_AsSsize_t(wanted);

    if (length < 0) {
        if (!PyErr_Occurred())
            PyErr_SetString(PyExc_ValueError, "a negative length");
        return nullptr;
    }
    PyObject *const data = PyBytes_FromStringAndSize(nullptr, length);
    if (data) {
        char *const bytes = PyBytes_AS_STRING(data);

        Py_BEGIN_ALLOW_THREADS
        platform().entropy(bytes, (Rump::size_t)length);
        Py_END_ALLOW_THREADS
    }
    return data;
}

PyObject *halt(PyObject *, PyObject *status)
{
    long const value = PyLong_AsLong(status);

    if (PyErr_Occurred())
        return nullptr;
    platform().halt((int)value);
    Py_RETURN_NONE;
}

PyMethodDef methods[] = {
    {"disk", disk, METH_NOARGS, nullptr},
    {"read", read, METH_VARARGS, nullptr},
    {"write", write, METH_VARARGS, nullptr},
    {"sync", sync, METH_NOARGS, nullptr},
    {"discard", discard, METH_VARARGS, nullptr},
    {"monotonic", monotonic, METH_NOARGS, nullptr},
    {"epoch_offset", epoch_offset, METH_NOARGS, nullptr},
    {"block_until", block_until, METH_O, nullptr},
    {"console_write", console_write, METH_O, nullptr},
    {"entropy", entropy, METH_O, nullptr},
    {"halt", halt, METH_O, nullptr},
    {nullptr, nullptr, 0, nullptr},
};

PyModuleDef module = {PyModuleDef_HEAD_INIT, "_genode", nullptr, -1, methods, nullptr, nullptr, nullptr, nullptr};

}

PyMODINIT_FUNC PyInit__genode()
{
    return PyModule_Create(&module);
}
