(* Harmonic polynomials, towards: A_n is the direct sum of the restrictions of those of degree 0, ..., n (Decomposition.v,
   Direct.v) and has dimension (n+1)^2 (Dimension.v).

   With r^2 = x^2 + y^2 + z^2: the Laplacian of r^2 g is a positive multiple of g plus r^2 times the Laplacian of g, so that
   g -> Laplacian (r^2 g) is injective on homogeneous polynomials, hence onto; every homogeneous polynomial is then harmonic plus
   r^2 times another, and on the sphere r^2 = 1. *)
From mathcomp Require Import all_ssreflect all_algebra.
From SsrMultinomials Require Import mpoly.
From Ceilings Require Import Sphere Span Sharpness.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Import GRing.Theory Num.Theory.
Local Open Scope ring_scope.

(* STATEMENT harmonic: homogeneous polynomials of degree n whose Laplacian is zero, and r^2. *)
Definition laplacian (F : comRingType) (p : {mpoly F[3]}) : {mpoly F[3]} := \sum_(i < 3) (p^`M(i))^`M(i).

Definition harmonic (F : comRingType) (n : nat) (p : {mpoly F[3]}) : bool :=
  (p \is n.-homog) && (laplacian p == 0).

Definition r2 (F : comRingType) : {mpoly F[3]} := \sum_(i < 3) 'X_i * 'X_i.
(* END *)

Section Laplacian.
Variable F : realFieldType.
Implicit Types (p q g h : {mpoly F[3]}) (m n j k d : nat) (i : 'I_3).
Local Notation r2 := (r2 F).

Fact laplacian_is_linear : linear (@laplacian F).
Proof.
move=> c p q; rewrite /laplacian scaler_sumr -big_split; apply: eq_bigr => i _ /=.
by rewrite !linearP.
Qed.
Canonical laplacian_additive := Additive laplacian_is_linear.
Canonical laplacian_linear := Linear laplacian_is_linear.

Lemma homog_degree n p (u : 'X_{1..3}) : p \is n.-homog -> u \in msupp p -> mdeg u = n.
Proof. by move=> hp; apply: dhomog_mf hp u. Qed.

(* Support of second derivatives: degrees go down by two. *)
Lemma second_derivative_degree n p i (u : 'X_{1..3}) : p \is n.-homog ->
  u \in msupp (p^`M(i))^`M(i) -> (mdeg u).+2 = n.
Proof.
move=> hp; rewrite mcoeff_msupp !mcoeff_mderiv => nz.
have : (u + U_(i) + U_(i))%MM \in msupp p.
  by rewrite mcoeff_msupp; apply: contraNneq nz => ->; rewrite !mul0rn.
by move/(homog_degree hp); rewrite !mdegD mdeg1 !addn1.
Qed.

Lemma laplacian_low n p : (n < 2)%N -> p \is n.-homog -> laplacian p = 0.
Proof.
move=> n2 hp; rewrite /laplacian big1 // => i _; apply/eqP; apply: contraTT n2.
rewrite -msupp_eq0; case E: (msupp _) => [|u s] //= _.
by rewrite -(@second_derivative_degree n p i u hp) // E inE eqxx.
Qed.

Lemma laplacian_homog n p : p \is n.+2.-homog -> laplacian p \is n.-homog.
Proof.
move=> hp; apply: rpred_sum => i _; apply/dhomogP => u up.
by have [] := second_derivative_degree hp up.
Qed.

Lemma derivative_X (i j : 'I_3) : ('X_j : {mpoly F[3]})^`M(i) = (i == j)%:R.
Proof.
rewrite mderivX mnm1E; case: (altP (j =P i)) => [->|ne]; last by rewrite scale0r eq_sym (negbTE ne).
by rewrite scale1r eqxx -[X in (X - _)%MM]add0m addmK mpolyX0.
Qed.

Lemma derivative_r2 i : r2^`M(i) = 'X_i *+ 2.
Proof.
rewrite /Harmonics.r2 raddf_sum /= (bigD1 i) //= mderivM derivative_X eqxx mul1r mulr1 big1 ?addr0 // => j ne.
by rewrite mderivM derivative_X eq_sym (negbTE ne) mul0r mulr0 addr0.
Qed.

Lemma euler n p : p \is n.-homog -> \sum_(i < 3) 'X_i * p^`M(i) = p *+ n.
Proof.
move=> hp; rewrite -scaler_nat {2}[p]mpolyE scaler_sumr.
have D i : p^`M(i) = \sum_(u <- msupp p) (p@_u *: 'X_[u])^`M(i).
  by rewrite {1}[p]mpolyE (raddf_sum (mderiv_additive _ i)).
rewrite (eq_bigr (fun i => \sum_(u <- msupp p) 'X_i * (p@_u *: 'X_[u])^`M(i))); last first.
  by move=> i _; rewrite D mulr_sumr.
rewrite exchange_big; apply: eq_big_seq => u up /=.
rewrite -(homog_degree hp up) mdegE natr_sum scaler_suml; apply: eq_bigr => i _.
rewrite mderivZ mderivX -!scalerAr [RHS]scalerA [in RHS]mulrC -[RHS]scalerA; congr (_ *: _).
case: (posnP (u i)) => [z|pos]; first by rewrite z !scale0r.
rewrite -mpolyXD addmC submK //; apply/mnm_lepP => j; rewrite mnm1E.
by case: eqP => [<-|].
Qed.

(* The Laplacian of r^2 g, for g homogeneous of degree m. *)
Lemma laplacian_r2 m g : g \is m.-homog -> laplacian (r2 * g) = g *+ (4 * m + 6) + r2 * laplacian g.
Proof.
move=> hg; have step i : ((r2 * g)^`M(i))^`M(i) = g *+ 2 + ('X_i * g^`M(i)) *+ 4 + r2 * (g^`M(i))^`M(i).
  rewrite mderivM derivative_r2 mderivD !mderivM derivative_r2 mderivMn derivative_X eqxx.
  by rewrite !mulrnAl mul1r -!addrA; congr (_ + _); rewrite addrA -mulrnDr.
rewrite /laplacian; under eq_bigr => i _ do rewrite step.
rewrite !big_split /= -mulr_sumr; congr (_ + _).
rewrite sumr_const card_ord !(euler hg) -!mulrnDr; congr (_ *+ _).
by rewrite addnC !mulSn mul0n addn0.
Qed.

Lemma r2_homog : r2 \is 2.-homog.
Proof. by apply: rpred_sum => i _; rewrite -mpolyXD dhomogX /= mdegD !mdeg1. Qed.

Lemma r2_power_homog j m g : g \is m.-homog -> r2 ^+ j * g \is (2 * j + m).-homog.
Proof. by move=> hg; apply: dhomogM hg; apply: dhomogMn r2_homog. Qed.

Lemma r2_neq0 : r2 != 0.
Proof.
apply/eqP => z; have := congr1 (fun p => p.@[fun=> 1]) z; rewrite meval0 raddf_sum /=.
under eq_bigr => i _ do rewrite mevalM mevalXU mulr1.
by move/eqP; rewrite sumr_const card_ord pnatr_eq0.
Qed.

(* The Laplacian of r^(2j+2) g is a positive multiple of r^(2j) g, plus r^(2j+2) times the Laplacian of g. *)
Lemma laplacian_r2_power j m g : g \is m.-homog ->
  exists2 c, (0 < c)%N & laplacian (r2 ^+ j.+1 * g) = r2 ^+ j * g *+ c + r2 ^+ j.+1 * laplacian g.
Proof.
move=> hg; elim: j => [|j [c c0 IH]].
  by exists (4 * m + 6)%N; [rewrite addnS | rewrite expr1 expr0 mul1r; apply: laplacian_r2].
exists (c + (4 * (2 * j.+1 + m) + 6))%N; first by rewrite addn_gt0 c0.
rewrite {1}exprS -mulrA (laplacian_r2 (r2_power_homog j.+1 hg)) IH mulrDr addrA; congr (_ + _).
  by rewrite mulrnAr mulrA -exprS addrC -mulrnDr.
by rewrite mulrA -exprS.
Qed.

(* No nonzero homogeneous polynomial times a power of r^2 is harmonic. *)
Lemma r2_power_not_harmonic m j g : g \is m.-homog -> laplacian (r2 ^+ j.+1 * g) = 0 -> g = 0.
Proof.
elim/ltn_ind: m j g => m IH j g hg zero.
have [c c0 E] := laplacian_r2_power j hg.
have {E} : r2 ^+ j * (g *+ c + r2 * laplacian g) = 0.
  by rewrite -zero E mulrDr mulrnAr mulrA -exprSr.
move/eqP; rewrite mulf_eq0 expf_eq0 (negbTE r2_neq0) andbF /= => /eqP E.
have cF : (c%:R : F) != 0 by rewrite pnatr_eq0 -lt0n.
case: (ltnP m 2) => [low|]; last case: m hg IH => [|[|m]] // hg IH _.
  by move: E; rewrite (laplacian_low low hg) mulr0 addr0 -scaler_nat => /eqP; rewrite scaler_eq0 (negbTE cF) => /eqP.
pose g' := - (c%:R^-1) *: laplacian g.
have Eg : g = r2 * g'.
  move/eqP: E; rewrite addr_eq0 -scaler_nat => /eqP E.
  by rewrite /g' -scalerAr scaleNr -scalerN -E scalerA mulVf // scale1r.
have hg' : g' \is m.-homog by apply: dhomogZ; apply: laplacian_homog.
rewrite Eg (IH m (ltnW (ltnSn m.+1)) j.+1 g' hg') ?mulr0 //.
by rewrite exprSr -mulrA -Eg.
Qed.
End Laplacian.
