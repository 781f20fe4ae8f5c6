/* The machine behind the simulated NVML: its file, and truth.py and faults.py in C. */
#ifndef NVML_MACHINE_H
#define NVML_MACHINE_H
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

enum { MAX_GPUS = 64, MAX_TERMS = 64, MAX_FAULTS = 32, MAX_PROCESSES = 64, WORD = 16, TEXT = 96 };

typedef struct { char kind[WORD]; double n[5]; } Term;
typedef struct { char kind[WORD]; double at, until, joules; } Fault;
typedef struct { unsigned pid, sm; unsigned long long bytes; } Process;
typedef struct {
    char name[TEXT], uuid[TEXT], pci[32];
    double limit_w, tick_s, phase_s, window_s, instant_s, samples_s, start_j, gain, memory;
    double cores, clock_mhz, call_s;
    int architecture, module, mig; /* mig: -1 knows no MIG, 0 is off, else how many instances */
    int n_terms, n_faults, n_processes;
    Term terms[MAX_TERMS];
    Fault faults[MAX_FAULTS];
    Process processes[MAX_PROCESSES];
} Gpu;
typedef struct { double origin; char clock[4096], driver[TEXT]; int init_error, loads, owner, n_gpus; Gpu gpus[MAX_GPUS]; } Machine;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static Machine *machine; /* replaced when the file changes, and the old one kept: another thread may be reading it */
static char path[4096];
static struct timespec read_at;
static ino_t read_inode;

/* ---- the file ---- */

static void parse(Machine *m, FILE *file) {
    char line[8192], key[WORD];
    int skip;
    Gpu *g = NULL;
    while (fgets(line, sizeof line, file)) {
        line[strcspn(line, "\n")] = 0;
        if (sscanf(line, "%15s %n", key, &skip) < 1) continue;
        const char *value = line + skip;
        if (!strcmp(key, "origin")) m->origin = strtod(value, NULL);
        else if (!strcmp(key, "clock")) snprintf(m->clock, sizeof m->clock, "%s", value);
        else if (!strcmp(key, "driver")) snprintf(m->driver, sizeof m->driver, "%s", value);
        else if (!strcmp(key, "init_error")) m->init_error = atoi(value);
        else if (!strcmp(key, "loads")) m->loads = atoi(value);
        else if (!strcmp(key, "owner")) m->owner = atoi(value);
        else if (!strcmp(key, "gpu") && m->n_gpus < MAX_GPUS) g = &m->gpus[m->n_gpus++];
        else if (!g) continue;
        else if (!strcmp(key, "name")) snprintf(g->name, sizeof g->name, "%s", value);
        else if (!strcmp(key, "uuid")) snprintf(g->uuid, sizeof g->uuid, "%s", value);
        else if (!strcmp(key, "pci")) snprintf(g->pci, sizeof g->pci, "%s", value);
        else if (!strcmp(key, "limit_w")) g->limit_w = strtod(value, NULL);
        else if (!strcmp(key, "tick_s")) g->tick_s = strtod(value, NULL);
        else if (!strcmp(key, "phase_s")) g->phase_s = strtod(value, NULL);
        else if (!strcmp(key, "window_s")) g->window_s = strtod(value, NULL);
        else if (!strcmp(key, "instant_s")) g->instant_s = strtod(value, NULL);
        else if (!strcmp(key, "samples_s")) g->samples_s = strtod(value, NULL);
        else if (!strcmp(key, "start_j")) g->start_j = strtod(value, NULL);
        else if (!strcmp(key, "gain")) g->gain = strtod(value, NULL);
        else if (!strcmp(key, "memory")) g->memory = strtod(value, NULL);
        else if (!strcmp(key, "cores")) g->cores = strtod(value, NULL);
        else if (!strcmp(key, "call_s")) g->call_s = strtod(value, NULL);
        else if (!strcmp(key, "clock_mhz")) g->clock_mhz = strtod(value, NULL);
        else if (!strcmp(key, "module")) g->module = atoi(value);
        else if (!strcmp(key, "architecture")) g->architecture = atoi(value);
        else if (!strcmp(key, "mig")) g->mig = atoi(value);
        else if (!strcmp(key, "term") && g->n_terms < MAX_TERMS) {
            Term *t = &g->terms[g->n_terms++];
            sscanf(value, "%15s %lf %lf %lf %lf %lf", t->kind, t->n, t->n + 1, t->n + 2, t->n + 3, t->n + 4);
        } else if (!strcmp(key, "fault") && g->n_faults < MAX_FAULTS) { /* sorted by time, as faults.py does */
            Fault *f = &g->faults[g->n_faults++];
            sscanf(value, "%15s %lf %lf %lf", f->kind, &f->at, &f->until, &f->joules);
        } else if (!strcmp(key, "process") && g->n_processes < MAX_PROCESSES) {
            Process *p = &g->processes[g->n_processes++];
            sscanf(value, "%u %llu %u", &p->pid, &p->bytes, &p->sm);
        }
    }
}

/* The machine as its file says now; NULL when there is no file to read. */
static Machine *current(void) {
    struct stat now;
    pthread_mutex_lock(&lock);
    if (!stat(path, &now) && (!machine || now.st_ino != read_inode || now.st_mtim.tv_sec != read_at.tv_sec ||
                              now.st_mtim.tv_nsec != read_at.tv_nsec)) {
        FILE *file = fopen(path, "r");
        Machine *fresh = file ? calloc(1, sizeof *fresh) : NULL;
        if (fresh) {
            parse(fresh, file);
            machine = fresh;
            read_inode = now.st_ino;
            read_at = now.st_mtim;
        }
        if (file) fclose(file);
    }
    Machine *m = machine;
    pthread_mutex_unlock(&lock);
    return m;
}

/* A driver takes its time. */
static void spend(double duration_s) {
    struct timespec began, now;
    if (duration_s <= 0) return;
    clock_gettime(CLOCK_MONOTONIC, &began);
    do clock_gettime(CLOCK_MONOTONIC, &now);
    while ((double)(now.tv_sec - began.tv_sec) + 1e-9 * (double)(now.tv_nsec - began.tv_nsec) < duration_s);
}

/* ---- truth.py and faults.py, in C ---- */

static double seconds(const Machine *m) {
    double t = 0;
    if (m->clock[0]) {
        FILE *file = fopen(m->clock, "r");
        if (file) {
            if (fscanf(file, "%lf", &t) != 1) t = 0;
            fclose(file);
        }
    } else {
        struct timespec now;
        clock_gettime(CLOCK_MONOTONIC, &now);
        t = (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
    }
    return t - m->origin;
}

static double integral(const Term *term, double t) {
    const double *n = term->n;
    if (!strcmp(term->kind, "steady")) return n[0] * t;
    if (!strcmp(term->kind, "ramp")) { /* start, end, from, to */
        double length = n[1] - n[0], risen = fmax(t - n[1], 0), inside = fmin(fmax(t - n[0], 0), length);
        if (length > 0) risen += inside * inside / (2 * length);
        return n[2] * t + (n[3] - n[2]) * risen;
    }
    /* square: low, high, period, width, phase */
    double periods = floor((t - n[4]) / n[2]), inside = (t - n[4]) - periods * n[2];
    return n[0] * t + (n[1] - n[0]) * (periods * n[3] + fmin(inside, n[3]));
}

static double joules(const Gpu *g, double t0, double t1) {
    double sum = 0;
    for (int i = 0; i < g->n_terms; i++) sum += integral(&g->terms[i], t1) - integral(&g->terms[i], t0);
    return sum;
}

static const Fault *fault(const Gpu *g, const char *kind, double t) {
    for (int i = 0; i < g->n_faults; i++)
        if (!strcmp(g->faults[i].kind, kind) && g->faults[i].at <= t && t < g->faults[i].until) return &g->faults[i];
    return NULL;
}

static double tick(const Gpu *g, double t) {
    return g->phase_s + floor((t - g->phase_s) / g->tick_s + 1e-6) * g->tick_s;
}

static double counted(const Gpu *g, double t) {
    const Fault *stuck = fault(g, "stuck", t);
    double since = 0, sum = g->start_j;
    if (stuck) t = stuck->at;
    for (int i = 0; i < g->n_faults && g->faults[i].at <= t; i++) {
        if (!strcmp(g->faults[i].kind, "reset")) since = g->faults[i].at, sum = 0;
        else if (!strcmp(g->faults[i].kind, "jump")) sum += g->faults[i].joules;
    }
    return sum + g->gain * joules(g, since, t);
}

static unsigned window_mw(const Gpu *g, double end, double window) {
    return (unsigned)(g->gain * joules(g, end - window, end) / window * 1000 + 0.5);
}

static unsigned mean_mw(const Gpu *g, double t, double window) {
    return window_mw(g, tick(g, t), window);
}

#endif
