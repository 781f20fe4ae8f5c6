/* A simulated libnvidia-ml.so.1: GPUs with a known power trace, read through NVML's own functions.
 *
 * The file named by CARBON_TEST_NVML says which GPUs there are (nvml.py writes it); it is read again when it changes, so
 * that a fault can strike a running process. Names, structures and numbers are those of nvml.h as nvidia-ml-py spells
 * them. */
#define _GNU_SOURCE
#include <unistd.h>

#include "nvml_machine.h"

#define API __attribute__((visibility("default"))) int
enum { SUCCESS = 0, UNINITIALIZED = 1, INVALID_ARGUMENT = 2, NOT_SUPPORTED = 3, NO_PERMISSION = 4, NOT_FOUND = 6,
       INSUFFICIENT_SIZE = 7, DRIVER_NOT_LOADED = 9, LIBRARY_NOT_FOUND = 12, GPU_IS_LOST = 15, UNKNOWN = 999 };

static int users, loads_seen;

/* The machine, if NVML was initialised since the driver was last loaded. */
static const Machine *up(void) {
    const Machine *m = users ? current() : NULL;
    return m && m->loads == loads_seen ? m : NULL;
}

/* ---- handles: GPU number + 1, MIG instance + 1 in the second byte, and which load of the driver it is of ---- */

typedef const void *Device;

static Device handle(int gpu, int instance) { return (Device)(size_t)((gpu + 1) | (instance + 1) << 8 | (loads_seen & 255) << 16); }

typedef struct { int error, index, instance; const Gpu *gpu; const Machine *machine; double t; } Asked;

static Asked ask(Device device) {
    Asked a = {.error = SUCCESS, .index = (int)((size_t)device & 255) - 1, .instance = (int)((size_t)device >> 8 & 255) - 1};
    a.machine = up();
    if (!a.machine) return a.error = UNINITIALIZED, a;
    if (a.machine->init_error) return a.error = a.machine->init_error, a;
    if ((int)((size_t)device >> 16 & 255) != (loads_seen & 255)) return a.error = INVALID_ARGUMENT, a;
    if (a.index < 0 || a.index >= a.machine->n_gpus) return a.error = INVALID_ARGUMENT, a;
    a.gpu = &a.machine->gpus[a.index];
    a.t = seconds(a.machine);
    if (fault(a.gpu, "lost", a.t)) a.error = GPU_IS_LOST;
    return a;
}

#define ASK(device, out)                        \
    Asked a = ask(device);                      \
    if (a.error) return a.error;                \
    if (!(out)) return INVALID_ARGUMENT

/* What forbids a reading of this kind ("no_energy", "no_power", "no_fields"). */
static int refusal(const Asked *a, const char *kind) {
    if (a->instance >= 0 || fault(a->gpu, kind, a->t)) return NOT_SUPPORTED; /* a MIG instance has no meter of its own */
    if (fault(a->gpu, "denied", a->t)) return NO_PERMISSION;
    return fault(a->gpu, "io_error", a->t) ? UNKNOWN : SUCCESS;
}

static int copy(char *to, unsigned length, const char *text) {
    if (strlen(text) >= length) return INSUFFICIENT_SIZE;
    return strcpy(to, text), SUCCESS;
}

static void uuid_of(const Gpu *g, int instance, char out[TEXT]) {
    if (instance < 0) snprintf(out, TEXT, "%s", g->uuid);
    else snprintf(out, TEXT, "MIG-%02d%.60s", instance, g->uuid + (strncmp(g->uuid, "GPU-", 4) ? 0 : 6));
}

/* ---- library ---- */

API nvmlInitWithFlags(unsigned flags) {
    (void)flags;
    const char *configured = getenv("CARBON_TEST_NVML");
    if (!configured) return LIBRARY_NOT_FOUND; /* as if there were none */
    pthread_mutex_lock(&lock);
    if (strcmp(path, configured)) machine = NULL;
    snprintf(path, sizeof path, "%s", configured);
    pthread_mutex_unlock(&lock);
    const Machine *m = current();
    if (!m) return DRIVER_NOT_LOADED;
    if (m->init_error) return m->init_error;
    if (m->owner && m->owner != getpid()) return DRIVER_NOT_LOADED;
    if (m->loads != loads_seen) users = 0, loads_seen = m->loads; /* what was open before the driver went is gone */
    __atomic_add_fetch(&users, 1, __ATOMIC_SEQ_CST);
    return SUCCESS;
}
API nvmlInit_v2(void) { return nvmlInitWithFlags(0); }
API nvmlInit(void) { return nvmlInitWithFlags(0); }

API nvmlShutdown(void) {
    if (!users) return UNINITIALIZED;
    __atomic_sub_fetch(&users, 1, __ATOMIC_SEQ_CST);
    return SUCCESS;
}

__attribute__((visibility("default"))) const char *nvmlErrorString(int error) {
    switch (error) {
        case SUCCESS: return "Success";
        case UNINITIALIZED: return "Uninitialized";
        case INVALID_ARGUMENT: return "Invalid Argument";
        case NOT_SUPPORTED: return "Not Supported";
        case NO_PERMISSION: return "Insufficient Permissions";
        case NOT_FOUND: return "Not Found";
        case INSUFFICIENT_SIZE: return "Insufficient Size";
        case DRIVER_NOT_LOADED: return "Driver Not Loaded";
        case LIBRARY_NOT_FOUND: return "NVML Shared Library Not Found";
        case GPU_IS_LOST: return "GPU is lost";
        default: return "Unknown Error";
    }
}

API nvmlSystemGetDriverVersion(char *version, unsigned length) {
    const Machine *m = up();
    return m ? copy(version, length, m->driver) : UNINITIALIZED;
}
API nvmlSystemGetNVMLVersion(char *version, unsigned length) {
    return up() ? copy(version, length, "12.550.90") : UNINITIALIZED;
}
API nvmlSystemGetCudaDriverVersion_v2(int *version) { return up() ? (*version = 12040, SUCCESS) : UNINITIALIZED; }
API nvmlSystemGetCudaDriverVersion(int *version) { return nvmlSystemGetCudaDriverVersion_v2(version); }

/* ---- which GPUs ---- */

API nvmlDeviceGetCount_v2(unsigned *count) {
    const Machine *m = up();
    return m ? (*count = (unsigned)m->n_gpus, SUCCESS) : UNINITIALIZED;
}

API nvmlDeviceGetHandleByIndex_v2(unsigned index, Device *device) {
    ASK(handle((int)index & 63, -1), device && index < MAX_GPUS);
    return *device = handle(a.index, -1), SUCCESS;
}

API nvmlDeviceGetHandleByUUID(const char *uuid, Device *device) {
    const Machine *m = up();
    if (!m) return UNINITIALIZED;
    for (int i = 0; i < m->n_gpus; i++)
        for (int instance = -1; instance < m->gpus[i].mig || instance < 0; instance++) {
            char known[TEXT];
            uuid_of(&m->gpus[i], instance, known);
            if (!strcmp(uuid, known)) return *device = handle(i, instance), ask(*device).error;
        }
    return NOT_FOUND;
}

typedef struct { unsigned domain, bus, device; } Pci;

static Pci pci(const char *text) {
    Pci p = {0, 0, 0};
    if (sscanf(text, "%x:%x:%x", &p.domain, &p.bus, &p.device) < 3) p.bus = ~0u;
    return p;
}

API nvmlDeviceGetHandleByPciBusId_v2(const char *text, Device *device) {
    const Machine *m = up();
    if (!m) return UNINITIALIZED;
    Pci wanted = pci(text);
    for (int i = 0; i < m->n_gpus; i++) {
        Pci known = pci(m->gpus[i].pci);
        if (!memcmp(&wanted, &known, sizeof known)) return *device = handle(i, -1), ask(*device).error;
    }
    return NOT_FOUND;
}

API nvmlDeviceGetName(Device device, char *name, unsigned length) {
    ASK(device, name);
    char text[2 * TEXT];
    snprintf(text, sizeof text, a.instance < 0 ? "%s" : "%s MIG 1g.10gb", a.gpu->name);
    return copy(name, length, text);
}

API nvmlDeviceGetUUID(Device device, char *uuid, unsigned length) {
    ASK(device, uuid);
    char text[TEXT];
    uuid_of(a.gpu, a.instance, text);
    return copy(uuid, length, text);
}

API nvmlDeviceGetIndex(Device device, unsigned *index) {
    ASK(device, index);
    return *index = (unsigned)a.index, SUCCESS;
}
API nvmlDeviceGetMinorNumber(Device device, unsigned *minor) { return nvmlDeviceGetIndex(device, minor); }

typedef struct {
    char legacy[16];
    unsigned domain, bus, device, device_id, subsystem_id;
    char id[32];
} PciInfo;

API nvmlDeviceGetPciInfo_v3(Device device, PciInfo *info) {
    ASK(device, info);
    Pci p = pci(a.gpu->pci);
    *info = (PciInfo){.domain = p.domain, .bus = p.bus, .device = p.device, .device_id = 0x20B210DE};
    snprintf(info->id, sizeof info->id, "%08X:%02X:%02X.0", p.domain, p.bus & 255, p.device & 255);
    snprintf(info->legacy, sizeof info->legacy, "%04X:%02X:%02X.0", p.domain & 0xFFFF, p.bus & 255, p.device & 255);
    return SUCCESS;
}

API nvmlDeviceGetNumGpuCores(Device device, unsigned *cores) {
    ASK(device, cores);
    return *cores = (unsigned)a.gpu->cores, SUCCESS;
}

API nvmlDeviceGetMaxClockInfo(Device device, unsigned type, unsigned *mhz) {
    ASK(device, mhz);
    if (type > 3) return INVALID_ARGUMENT;
    return *mhz = (unsigned)a.gpu->clock_mhz, SUCCESS;
}

API nvmlDeviceGetArchitecture(Device device, unsigned *architecture) {
    ASK(device, architecture);
    return *architecture = (unsigned)a.gpu->architecture, SUCCESS;
}

/* ---- MIG ---- */

API nvmlDeviceGetMigMode(Device device, unsigned *now, unsigned *pending) {
    ASK(device, now && pending);
    if (a.gpu->mig < 0 || a.instance >= 0) return NOT_SUPPORTED;
    return *now = *pending = a.gpu->mig > 0, SUCCESS;
}

API nvmlDeviceGetMaxMigDeviceCount(Device device, unsigned *count) {
    ASK(device, count);
    return *count = a.gpu->mig < 0 ? 0 : 7, SUCCESS;
}

API nvmlDeviceGetMigDeviceHandleByIndex(Device device, unsigned index, Device *instance) {
    ASK(device, instance);
    if (a.gpu->mig < 0) return NOT_SUPPORTED;
    if (index >= 7) return INVALID_ARGUMENT;
    if ((int)index >= a.gpu->mig) return NOT_FOUND;
    return *instance = handle(a.index, (int)index), SUCCESS;
}

API nvmlDeviceIsMigDeviceHandle(Device device, unsigned *is) {
    ASK(device, is);
    return *is = a.instance >= 0, SUCCESS;
}

API nvmlDeviceGetDeviceHandleFromMigDeviceHandle(Device instance, Device *device) {
    ASK(instance, device);
    if (a.instance < 0) return INVALID_ARGUMENT;
    return *device = handle(a.index, -1), SUCCESS;
}

/* ---- energy and power ---- */

API nvmlDeviceGetTotalEnergyConsumption(Device device, unsigned long long *mj) {
    ASK(device, mj);
    spend(a.gpu->call_s);
    int error = refusal(&a, "no_energy");
    if (!error) *mj = (unsigned long long)(counted(a.gpu, tick(a.gpu, a.t)) * 1000 + 1e-6);
    return error;
}

API nvmlDeviceGetPowerUsage(Device device, unsigned *mw) {
    ASK(device, mw);
    int error = refusal(&a, "no_power");
    if (!error) *mw = mean_mw(a.gpu, a.t, a.gpu->window_s);
    return error;
}

API nvmlDeviceGetEnforcedPowerLimit(Device device, unsigned *mw) {
    ASK(device, mw);
    if (a.instance >= 0 || a.gpu->limit_w <= 0) return NOT_SUPPORTED;
    return *mw = (unsigned)(a.gpu->limit_w * 1000 + 0.5), SUCCESS;
}
API nvmlDeviceGetPowerManagementLimit(Device device, unsigned *mw) { return nvmlDeviceGetEnforcedPowerLimit(device, mw); }
API nvmlDeviceGetPowerManagementDefaultLimit(Device device, unsigned *mw) {
    return nvmlDeviceGetEnforcedPowerLimit(device, mw);
}
API nvmlDeviceGetPowerManagementLimitConstraints(Device device, unsigned *least, unsigned *most) {
    int error = nvmlDeviceGetEnforcedPowerLimit(device, most);
    if (!error) *least = *most / 4;
    return error;
}

typedef struct {
    unsigned field, scope;
    long long timestamp, latency_us;
    unsigned type, error;
    union { double d; unsigned u; unsigned long long ull; } value;
} FieldValue;

API nvmlDeviceGetFieldValues(Device device, int count, FieldValue *values) {
    enum { ENERGY = 83, AVERAGE = 185, INSTANT = 186, LIMIT = 190, UNSIGNED = 1, UNSIGNED_LONG_LONG = 3 };
    ASK(device, values && count >= 0);
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    for (int i = 0; i < count; i++) {
        FieldValue *v = &values[i];
        double window = v->field == INSTANT ? a.gpu->instant_s : a.gpu->window_s;
        v->timestamp = now.tv_sec * 1000000LL + now.tv_nsec / 1000;
        v->type = UNSIGNED;
        if (v->scope != (unsigned)(a.gpu->module != 0)) v->error = NOT_SUPPORTED; /* 0: the GPU, 1: its module, whichever the board counts */
        else if (v->field == ENERGY) {
            v->type = UNSIGNED_LONG_LONG;
            v->error = (unsigned)nvmlDeviceGetTotalEnergyConsumption(device, &v->value.ull);
        } else if (v->field == AVERAGE || v->field == INSTANT) {
            v->error = (unsigned)refusal(&a, fault(a.gpu, "no_fields", a.t) ? "no_fields" : "no_power");
            if (!v->error) v->value.u = mean_mw(a.gpu, a.t, window);
        } else if (v->field == LIMIT) v->error = (unsigned)nvmlDeviceGetEnforcedPowerLimit(device, &v->value.u);
        else v->error = NOT_SUPPORTED;
    }
    return SUCCESS;
}

typedef struct { unsigned long long timestamp; union { double d; unsigned u; unsigned long long ull; } value; } Sample;

/* The driver's record: a window of the sensor every samples_s, the last 120 of them, by the time of day in microseconds. */
API nvmlDeviceGetSamples(Device device, int what, unsigned long long since, int *type, unsigned *count, Sample *samples) {
    enum { POWER = 0, MODULE_POWER = 7, KEPT = 120, UNSIGNED = 1 };
    ASK(device, type && count);
    if (what != (a.gpu->module ? MODULE_POWER : POWER) || a.gpu->samples_s <= 0) return NOT_SUPPORTED;
    int error = refusal(&a, "no_power");
    if (error) return error;
    struct timespec day, up;
    clock_gettime(CLOCK_MONOTONIC, &up);
    clock_gettime(CLOCK_REALTIME, &day);
    double ahead = (double)(day.tv_sec - up.tv_sec) + 1e-9 * (double)(day.tv_nsec - up.tv_nsec) + a.machine->origin;
    double every = a.gpu->samples_s, last = floor((a.t - 0.4 * every) / every) * every + 0.4 * every;
    unsigned room = *count, n = 0;
    for (int i = KEPT - 1; i >= 0; i--) {
        double at = last - i * every;
        long long us = (long long)((at + ahead) * 1e6);
        if (us <= (long long)since) continue;
        if (samples && n < room) samples[n] = (Sample){.timestamp = (unsigned long long)us, .value.u = window_mw(a.gpu, at, a.gpu->instant_s)};
        n++;
    }
    *type = UNSIGNED;
    *count = samples && n > room ? room : n;
    return n ? SUCCESS : NOT_FOUND;
}

/* ---- load ---- */

typedef struct { unsigned gpu, memory; } Utilization;

static unsigned percent(const Asked *a) {
    double watts = mean_mw(a->gpu, a->t, a->gpu->tick_s) / 1000.0;
    return a->gpu->limit_w > 0 ? (unsigned)fmin(100, 100 * watts / a->gpu->limit_w + 0.5) : 0;
}

API nvmlDeviceGetUtilizationRates(Device device, Utilization *rates) {
    ASK(device, rates);
    if (a.instance >= 0 || a.gpu->mig > 0 || fault(a.gpu, "no_load", a.t)) return NOT_SUPPORTED;
    rates->gpu = percent(&a);
    rates->memory = rates->gpu / 2;
    return SUCCESS;
}

typedef struct { unsigned long long total, free, used; } Memory;
typedef struct { unsigned version; unsigned long long total, reserved, free, used; } Memory2;

API nvmlDeviceGetMemoryInfo(Device device, Memory *memory) {
    ASK(device, memory);
    memory->total = (unsigned long long)a.gpu->memory;
    memory->used = 0;
    for (int i = 0; i < a.gpu->n_processes; i++) memory->used += a.gpu->processes[i].bytes;
    memory->free = memory->total - memory->used;
    return SUCCESS;
}

API nvmlDeviceGetMemoryInfo_v2(Device device, Memory2 *memory) {
    Memory plain;
    int error = nvmlDeviceGetMemoryInfo(device, &plain);
    if (!error) *memory = (Memory2){memory->version, plain.total, 0, plain.free, plain.used};
    return error;
}

typedef struct { unsigned pid; unsigned long long bytes; unsigned gpu_instance, compute_instance; } ProcessInfo;

static unsigned pid_of(const Process *p) { return p->pid ? p->pid : (unsigned)getpid(); }

API nvmlDeviceGetComputeRunningProcesses_v3(Device device, unsigned *count, ProcessInfo *infos) {
    ASK(device, count);
    unsigned room = *count, n = (unsigned)a.gpu->n_processes;
    *count = n;
    if (n > room || (n && !infos)) return INSUFFICIENT_SIZE;
    for (unsigned i = 0; i < n; i++)
        infos[i] = (ProcessInfo){pid_of(&a.gpu->processes[i]), a.gpu->processes[i].bytes, ~0u, ~0u};
    return SUCCESS;
}
API nvmlDeviceGetComputeRunningProcesses_v2(Device device, unsigned *count, ProcessInfo *infos) {
    return nvmlDeviceGetComputeRunningProcesses_v3(device, count, infos);
}
API nvmlDeviceGetGraphicsRunningProcesses_v3(Device device, unsigned *count, ProcessInfo *infos) {
    (void)infos;
    ASK(device, count);
    return *count = 0, SUCCESS;
}

typedef struct { unsigned pid; unsigned long long timestamp; unsigned sm, memory, encoder, decoder; } ProcessSample;

API nvmlDeviceGetProcessUtilization(Device device, ProcessSample *samples, unsigned *count, unsigned long long since) {
    (void)since;
    ASK(device, count);
    unsigned room = *count, n = (unsigned)a.gpu->n_processes;
    if (a.gpu->mig > 0) return NOT_SUPPORTED;
    if (!n) return NOT_FOUND;
    *count = n;
    if (n > room || !samples) return INSUFFICIENT_SIZE;
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    for (unsigned i = 0; i < n; i++)
        samples[i] = (ProcessSample){.pid = pid_of(&a.gpu->processes[i]),
                                     .timestamp = (unsigned long long)now.tv_sec * 1000000ULL,
                                     .sm = a.gpu->processes[i].sm};
    return SUCCESS;
}
