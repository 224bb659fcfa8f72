/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The program that the kernel carries: an ordinary CPython, linked statically, with its library in the boot module
 * and one module of ours, _hyper.  Its arguments are those of python3(1).
 */

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <malloc.h>

#define PACKAGE_NAME "rump.rumpuser.bare._hyper"    /* what it is imported as, beside its siblings */
#define MMAP_THRESHOLD (128 * 1024)
#define HEAP_STEP (1024 * 1024)

PyMODINIT_FUNC PyInit__hyper(void);
PyMODINIT_FUNC PyInit__contextvars(void);

static void check(PyStatus status)
{
    if (PyStatus_Exception(status))
        Py_ExitStatusException(status);
}

/* UTF-8 whatever the environment says: there are no locales. */
static void prepare(int count, char **arguments)
{
    PyPreConfig config;

    PyPreConfig_InitPythonConfig(&config);
    config.utf8_mode = 1;
    config.configure_locale = 0;
    config.coerce_c_locale = 0;
    check(Py_PreInitializeFromBytesArgs(&config, count, arguments));
}

static void initialize(int count, char **arguments)
{
    static const wchar_t *const paths[] = {L"/lib/python", L"/lib/site"};
    PyConfig config;

    PyConfig_InitPythonConfig(&config);
    config.install_signal_handlers = 0;
    config.site_import = 0;
    config.write_bytecode = 0;
    config.pathconfig_warnings = 0;
    config.user_site_directory = 0;
    config.module_search_paths_set = 1;
    check(PyConfig_SetString(&config, &config.prefix, L"/"));
    check(PyConfig_SetString(&config, &config.exec_prefix, L"/"));
    check(PyConfig_SetString(&config, &config.base_prefix, L"/"));
    check(PyConfig_SetString(&config, &config.base_exec_prefix, L"/"));
    check(PyConfig_SetString(&config, &config.executable, L"/python"));
    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++)
        check(PyWideStringList_Append(&config.module_search_paths, paths[i]));
    check(PyConfig_SetBytesArgv(&config, count, arguments));
    check(Py_InitializeFromConfig(&config));
    PyConfig_Clear(&config);
}

/* Built-in modules are found at top level only, so the dotted name goes into sys.modules. */
static int install(void)
{
    PyObject *module = PyImport_ImportModule("_hyper");
    int failed = !module || PyDict_SetItemString(PyImport_GetModuleDict(), PACKAGE_NAME, module);

    Py_XDECREF(module);
    if (failed)
        PyErr_Print();
    return failed;
}

int main(int count, char **arguments)
{
    /* One arena: others would reserve 64 MiB each, and what is reserved here is used up. */
    mallopt(M_ARENA_MAX, 1);
    mallopt(M_MMAP_THRESHOLD, MMAP_THRESHOLD);     /* and it does not change by itself */
    mallopt(M_TOP_PAD, HEAP_STEP);
    mallopt(M_TRIM_THRESHOLD, 4 * HEAP_STEP);
    if (PyImport_AppendInittab("_hyper", PyInit__hyper) ||
        PyImport_AppendInittab("_contextvars", PyInit__contextvars))
        return 1;
    prepare(count, arguments);
    initialize(count, arguments);
    return install() ? 1 : Py_RunMain();
}
