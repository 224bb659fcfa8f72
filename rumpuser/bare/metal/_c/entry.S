/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How the machine enters the kernel: from the boot loader, by an exception or interrupt, by a system call.
 *
 * Boot loaders: PVH (Xen docs/misc/pvh.pandoc; QEMU's -kernel) and Multiboot2 (its specification 2.0, section 3).  Both
 * start in 32-bit protected mode without paging and pass a structure in %ebx.
 */

#define CR0_PE_MP_NE_WP_PG 0x80010023
#define CR0_EM_TS          0x0000000c
#define CR4_PAE_PGE_SSE    0x000006a0   /* PAE, PGE, OSFXSR, OSXMMEXCPT; not OSXSAVE: then libc stays with SSE2 */
#define MSR_EFER           0xc0000080
#define EFER_SCE_LME       0x00000101
#define PAGE_UNITS_2M      2048         /* 2 MiB pages in the first 4 GiB */
#define ERROR_CODES        0x60227d00   /* exceptions 8, 10 to 14, 17, 21, 29, 30 push one */
#define PTE_PRESENT_WRITE  0x3
#define PTE_LARGE          0x83

        .section .note.Xen, "a", @note
        .macro XEN_NOTE type, length
        .balign 4
        .long 4, \length, \type
        .asciz "Xen"
        .endm
        XEN_NOTE 18, 4                  /* XEN_ELFNOTE_PHYS32_ENTRY (public/elfnote.h) */
        .long start32
        XEN_NOTE 6, 5                   /* XEN_ELFNOTE_GUEST_OS */
        .asciz "rump"
        XEN_NOTE 8, 8                   /* XEN_ELFNOTE_LOADER */
        .asciz "generic"
        XEN_NOTE 5, 8                   /* XEN_ELFNOTE_XEN_VERSION */
        .asciz "xen-3.0"

        .section .header, "a"
        .balign 8
multiboot2:
        .long 0xe85250d6, 0, multiboot2_end - multiboot2, -(0xe85250d6 + multiboot2_end - multiboot2)
        .short 6, 0                     /* modules begin on page boundaries */
        .long 8
        .short 0, 0
        .long 8
multiboot2_end:

        .text
        .code32
        .globl start32
start32:
        cli
        cld
        mov %eax, %ebp                  /* the loader's magic, and its information */
        mov %ebx, %esi

        movl $pdpt + PTE_PRESENT_WRITE, pml4
        mov $pdpt, %edi
        mov $pd + PTE_PRESENT_WRITE, %eax
        mov $4, %ecx
1:      mov %eax, (%edi)
        add $8, %edi
        add $4096, %eax
        loop 1b
        mov $pd, %edi
        mov $PTE_LARGE, %eax
        mov $PAGE_UNITS_2M, %ecx
1:      mov %eax, (%edi)
        add $8, %edi
        add $0x200000, %eax
        loop 1b

        mov $pml4, %eax
        mov %eax, %cr3
        mov %cr4, %eax
        or $CR4_PAE_PGE_SSE, %eax
        mov %eax, %cr4
        mov $MSR_EFER, %ecx
        rdmsr
        or $EFER_SCE_LME, %eax
        wrmsr
        mov %cr0, %eax
        and $~CR0_EM_TS, %eax
        or $CR0_PE_MP_NE_WP_PG, %eax
        mov %eax, %cr0
        lgdt gdt_pointer
        ljmp $8, $start64

        .code64
start64:
        mov $0x10, %eax
        mov %eax, %ds
        mov %eax, %es
        mov %eax, %ss
        xor %eax, %eax
        mov %eax, %fs
        mov %eax, %gs
        mov $boot_stack_top, %rsp
        fninit
        mov %ebp, %edi
        mov %esi, %esi
        xor %ebp, %ebp
        call kernel_main
1:      hlt
        jmp 1b

/*
 * A system call (SDM volume 2, SYSCALL): rcx is where to return, r11 the flags; interrupts are off by MSR_FMASK.
 * It leaves the same frame as an interrupt does, on the thread's kernel stack.
 */
        .globl syscall_entry
syscall_entry:
        mov %rsp, program_stack(%rip)
        mov kernel_stack(%rip), %rsp
        push $0x10
        push program_stack(%rip)
        push %r11
        push $8
        push %rcx
        push $0
        push $-1
        call save_registers
        mov %rsp, %rdi
        call syscall
        .globl frame_return
frame_return:
        pop %r15
        pop %r14
        pop %r13
        pop %r12
        pop %r11
        pop %r10
        pop %r9
        pop %r8
        pop %rbp
        pop %rdi
        pop %rsi
        pop %rdx
        pop %rcx
        pop %rbx
        pop %rax
        add $16, %rsp
        iretq

/* Pushes the general registers; its own return address, which would lie below them, is set aside. */
save_registers:
        pop return_address(%rip)
        push %rax
        push %rbx
        push %rcx
        push %rdx
        push %rsi
        push %rdi
        push %rbp
        push %r8
        push %r9
        push %r10
        push %r11
        push %r12
        push %r13
        push %r14
        push %r15
        cld
        jmp *return_address(%rip)

/* Exceptions and interrupts: 256 stubs of 16 bytes.  The processor itself pushes an error code for some exceptions. */
        .balign 16
        .globl trap_stubs
trap_stubs:
        .set vector, 0
        .rept 256
        .balign 16
        .if !(vector < 32 && (ERROR_CODES >> vector & 1))
        push $0
        .endif
        push $vector
        jmp trap_common
        .set vector, vector + 1
        .endr
trap_common:
        call save_registers
        mov %rsp, %rdi
        call trap
        jmp frame_return

/* void switch_stacks(u64 *saved, u64 next): what C expects to survive a call stays on the stack that is left. */
        .globl switch_stacks
switch_stacks:
        push %rbx
        push %rbp
        push %r12
        push %r13
        push %r14
        push %r15
        mov %rsp, (%rdi)
        mov %rsi, %rsp
        pop %r15
        pop %r14
        pop %r13
        pop %r12
        pop %rbp
        pop %rbx
        ret

/* void idle_wait(void): until an interrupt; traps.c knows the two addresses. */
        .globl idle_wait, idle_halt, idle_awake
idle_wait:
        sti
idle_halt:
        hlt
idle_awake:
        cli
        ret

/* void program_enter(u64 entry, u64 stack): the first thread begins; System V ABI, section 3.4.1. */
        .globl program_enter
program_enter:
        mov %rsi, %rsp
        xor %edx, %edx
        xor %ebp, %ebp
        sti
        jmp *%rdi

        .data
        .balign 16
        .globl gdt, gdt_pointer
gdt:    .quad 0, 0x00af9b000000ffff, 0x00cf93000000ffff
        .quad 0, 0                      /* the task state segment: traps.c */
gdt_pointer:
        .short . - gdt - 1
        .long gdt, 0

        .globl kernel_stack
kernel_stack:   .quad 0                 /* the running thread's: its upper end */
program_stack:  .quad 0
return_address: .quad 0

        .bss
        .balign 4096
        .globl pml4, pdpt, pd
pml4:   .skip 4096
pdpt:   .skip 4096
pd:     .skip 4 * 4096
        .skip 64 * 1024
boot_stack_top:

        .section .note.GNU-stack, "", @progbits
