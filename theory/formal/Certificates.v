(* Written by theory/formal_certificates.py; a test writes it again and compares. Do not edit.

   The numbers of the package's certificates of the span theorem; Coq computes that each holds, in the sense of Computation.v. *)
From Coq Require Import ZArith List.
From Ceilings Require Import Computation.
Import ListNotations.
Local Open Scope Z_scope.

Definition stretched_steps : list step := [
  Step 1 1 (6, 5) (2, 3);
  Step 2 1 (9, 7) (3, 5);
  Step 2 2 (10, 7) (18, 35);
  Step 3 1 (4, 3) (4, 7);
  Step 3 2 (50, 33) (10, 21);
  Step 3 3 (700, 429) (100, 231);
  Step 4 1 (15, 11) (5, 9);
  Step 4 2 (225, 143) (5, 11);
  Step 4 3 (245, 143) (175, 429);
  Step 4 4 (4410, 2431) (490, 1287);
  Step 6 1 (7, 5) (7, 13);
  Step 6 2 (28, 17) (28, 65);
  Step 6 3 (588, 323) (84, 221);
  Step 8 1 (27, 19) (9, 17);
  Step 8 2 (225, 133) (135, 323);
  Step 8 3 (825, 437) (825, 2261);
  Step 8 4 (891, 437) (2475, 7429);
  Step 9 1 (10, 7) (10, 19);
  Step 9 2 (275, 161) (55, 133);
  Step 9 3 (44, 23) (1100, 3059);
  Step 12 1 (13, 9) (13, 25);
  Step 12 2 (455, 261) (91, 225);
  Step 12 3 (15925, 8091) (91, 261);
  Step 12 4 (63700, 29667) (2548, 8091)].

(* STATEMENT stretched_coefficients: every stretched coefficient in the certificates for d, L <= 4 is what the moments of the sphere and
   Legendre polynomials give; none is zero. *)
Theorem stretched_coefficients : forallb step_holds stretched_steps = true.
(* END *)
Proof. vm_compute. reflexivity. Qed.

Definition formal_counts : list counts := [
  Counts 1 1 [1; 1];
  Counts 1 2 [1; 1; 1];
  Counts 1 3 [1; 1; 1; 1];
  Counts 1 4 [1; 1; 1; 1; 1];
  Counts 2 1 [2; 1; 1];
  Counts 2 2 [3; 2; 4; 1; 1];
  Counts 2 3 [4; 3; 7; 4; 4; 1; 1];
  Counts 2 4 [5; 4; 10; 7; 9; 4; 4; 1; 1];
  Counts 3 1 [2; 2; 1; 1];
  Counts 3 2 [5; 6; 8; 6; 4; 1; 1];
  Counts 3 3 [8; 16; 21; 23; 18; 12; 8; 4; 1; 1];
  Counts 3 4 [15; 30; 46; 52; 52; 41; 35; 22; 14; 8; 4; 1; 1];
  Counts 4 1 [3; 2; 2; 1; 1];
  Counts 4 2 [9; 11; 19; 13; 13; 6; 4; 1; 1];
  Counts 4 3 [26; 45; 75; 74; 76; 55; 45; 25; 17; 8; 4; 1; 1];
  Counts 4 4 [65; 134; 226; 250; 280; 244; 224; 166; 130; 83; 57; 29; 19; 8; 4; 1; 1]].

(* STATEMENT formal_multiplicities: the multiplicities in the certificates for d, L <= 4 are those that counting states gives, and
   one at the ceiling. *)
Theorem formal_multiplicities : forallb counts_hold formal_counts = true.
(* END *)
Proof. vm_compute. reflexivity. Qed.

Definition harmonics : list (nat * polynomial) := [
  (0%nat, [(0%nat, 0%nat, 0%nat, 1)]);
  (1%nat, [(1%nat, 0%nat, 0%nat, 1)]);
  (1%nat, [(0%nat, 1%nat, 0%nat, 1)]);
  (1%nat, [(0%nat, 0%nat, 1%nat, 1)]);
  (2%nat, [(1%nat, 0%nat, 1%nat, 1)]);
  (2%nat, [(1%nat, 1%nat, 0%nat, 1)]);
  (2%nat, [(2%nat, 0%nat, 0%nat, (-1)); (0%nat, 2%nat, 0%nat, 2); (0%nat, 0%nat, 2%nat, (-1))]);
  (2%nat, [(0%nat, 1%nat, 1%nat, 1)]);
  (2%nat, [(2%nat, 0%nat, 0%nat, (-1)); (0%nat, 0%nat, 2%nat, 1)]);
  (3%nat, [(3%nat, 0%nat, 0%nat, (-1)); (1%nat, 0%nat, 2%nat, 3)]);
  (3%nat, [(1%nat, 1%nat, 1%nat, 1)]);
  (3%nat, [(3%nat, 0%nat, 0%nat, (-1)); (1%nat, 2%nat, 0%nat, 4); (1%nat, 0%nat, 2%nat, (-1))]);
  (3%nat, [(2%nat, 1%nat, 0%nat, (-3)); (0%nat, 3%nat, 0%nat, 2); (0%nat, 1%nat, 2%nat, (-3))]);
  (3%nat, [(2%nat, 0%nat, 1%nat, (-1)); (0%nat, 2%nat, 1%nat, 4); (0%nat, 0%nat, 3%nat, (-1))]);
  (3%nat, [(2%nat, 1%nat, 0%nat, (-1)); (0%nat, 1%nat, 2%nat, 1)]);
  (3%nat, [(2%nat, 0%nat, 1%nat, (-3)); (0%nat, 0%nat, 3%nat, 1)])].

Definition sphere_points : list point := [
  (0, 0, (-1), 1);
  ((-2), (-2), 1, 3);
  ((-2), 0, 0, 2);
  ((-2), 2, 1, 3);
  (0, (-2), 0, 2);
  (0, 2, 0, 2);
  (2, (-2), 1, 3);
  (2, 0, 0, 2);
  (2, 2, 1, 3);
  ((-4), (-4), 7, 9);
  ((-4), (-2), 4, 6);
  ((-4), 0, 3, 5);
  ((-4), 2, 4, 6);
  ((-4), 4, 7, 9);
  ((-2), (-4), 4, 6);
  ((-2), 4, 4, 6);
  (0, (-4), 3, 5);
  (0, 4, 3, 5);
  (2, (-4), 4, 6);
  (2, 4, 4, 6);
  (4, (-4), 7, 9);
  (4, (-2), 4, 6);
  (4, 0, 3, 5);
  (4, 2, 4, 6);
  (4, 4, 7, 9);
  ((-6), (-6), 17, 19);
  ((-6), (-4), 12, 14);
  ((-6), (-2), 9, 11);
  ((-6), 0, 8, 10);
  ((-6), 2, 9, 11);
  ((-6), 4, 12, 14);
  ((-6), 6, 17, 19);
  ((-4), (-6), 12, 14);
  ((-4), 6, 12, 14);
  ((-2), (-6), 9, 11);
  ((-2), 6, 9, 11);
  (0, (-6), 8, 10);
  (0, 6, 8, 10);
  (2, (-6), 9, 11);
  (2, 6, 9, 11);
  (4, (-6), 12, 14);
  (4, 6, 12, 14);
  (6, (-6), 17, 19);
  (6, (-4), 12, 14);
  (6, (-2), 9, 11);
  (6, 0, 8, 10);
  (6, 2, 9, 11);
  (6, 4, 12, 14);
  (6, 6, 17, 19)].

Definition ranked : list (nat * nat) := [(1, 1)%nat; (2, 1)%nat; (3, 1)%nat; (4, 1)%nat; (1, 2)%nat; (2, 2)%nat; (3, 2)%nat; (1, 3)%nat].

(* STATEMENT ranks: products of d of the package's real harmonics with l <= L have rank (dL+1)^2 on the sphere,
   for (d, L) = (1, 1), (2, 1), (3, 1), (4, 1), (1, 2), (2, 2), (3, 2), (1, 3). *)
Theorem ranks : forallb (fun p => rank_holds 10007 harmonics sphere_points (fst p) (snd p)) ranked = true.
(* END *)
Proof. vm_compute. reflexivity. Qed.
