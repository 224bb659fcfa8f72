/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The module _contextvars.  Debian's static library has what is in it but not the module; decimal and asyncio need it.
 */

#define PY_SSIZE_T_CLEAN
#include <Python.h>

static PyObject *copy_context(PyObject *self, PyObject *nothing)
{
    return PyContext_CopyCurrent();
}

static PyMethodDef functions[] = {
    {"copy_context", copy_context, METH_NOARGS, NULL},
    {NULL, NULL, 0, NULL},
};

static int fill(PyObject *module)
{
    return PyModule_AddType(module, &PyContext_Type) || PyModule_AddType(module, &PyContextVar_Type) ||
            PyModule_AddType(module, &PyContextToken_Type) ? -1 : 0;
}

static PyModuleDef_Slot slots[] = {{Py_mod_exec, fill}, {0, NULL}};
static PyModuleDef definition = {PyModuleDef_HEAD_INIT, "_contextvars", NULL, 0, functions, slots, NULL, NULL, NULL};

PyMODINIT_FUNC PyInit__contextvars(void);
PyMODINIT_FUNC PyInit__contextvars(void)
{
    return PyModuleDef_Init(&definition);
}
